import { Fault } from "./oracle.ts";

const prototypes = [Object, Array, String, Number, Function, Map, Set, RegExp, Error].map(
  (one) => one.prototype as object,
);

/** Notices when what all objects share has changed. */
export class PrototypeGuard {
  readonly #keys: readonly (readonly PropertyKey[])[] = prototypes.map((one) => Reflect.ownKeys(one));

  /** A quick look: what is set on a prototype by assignment is seen. @throws Fault */
  requireUntouched(): void {
    for (const key in {}) throw new Fault(`Object.prototype.${key} was set`);
    for (const key in []) throw new Fault(`Array.prototype.${key} was set`);
  }

  /** A whole look. @throws Fault */
  requireAllUntouched(): void {
    for (const [at, prototype] of prototypes.entries()) {
      const keys = Reflect.ownKeys(prototype);
      if (keys.length !== this.#keys[at]?.length)
        throw new Fault(`a prototype has other keys: ${keys.map(String).join(", ")}`);
    }
  }
}
