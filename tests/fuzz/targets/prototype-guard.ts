import { Fault } from "./oracle.ts";

const prototypes = [Object, Array, String, Number, Function, Map, Set, RegExp, Error].map(
  (one) => one.prototype as object,
);

/** Notices when what all objects share has changed. */
export class PrototypeGuard {
  readonly #keys: readonly (readonly PropertyKey[])[] = prototypes.map((one) => Reflect.ownKeys(one));

  /** A quick look: what is set on a prototype by assignment is seen, and taken away again. @throws Fault */
  requireUntouched(): void {
    for (const key in {}) this.#refuse(Object.prototype, key);
    for (const key in []) this.#refuse(Array.prototype, key);
  }

  /** A whole look. @throws Fault */
  requireAllUntouched(): void {
    for (const [at, prototype] of prototypes.entries()) {
      const keys = Reflect.ownKeys(prototype);
      if (keys.length !== this.#keys[at]?.length)
        throw new Fault(`a prototype has other keys: ${keys.map(String).join(", ")}`);
    }
  }

  #refuse(prototype: object, key: string): never {
    Reflect.deleteProperty(prototype, key);
    throw new Fault(`${prototype === Array.prototype ? "Array" : "Object"}.prototype.${key} was set`);
  }
}
