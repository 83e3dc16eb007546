/** Environment variables, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that is set to something. */
export interface Variable {
  readonly name: string;
  readonly value: string;
}

/** Names of one program's variables for who asks a registry. */
export interface LoginVariables {
  readonly login: string;
  readonly password: string;
  /** A token that stands for a login of its own. */
  readonly license?: string;
}

/**
 * Which registry credentials are for: the one that is read from, the one a bundle goes to, or one `elsewhere`, which flags
 * and variables do not speak of: it is asked with what docker or podman keep for it.
 */
export type RegistrySide = "source" | "target" | "elsewhere";

/**
 * The variables for the credentials of a side; ours go before those of `d8 mirror`. The two sides share none: what one
 * registry is told must not reach the other by accident.
 */
export const loginVariables: Readonly<Record<RegistrySide, readonly LoginVariables[]>> = {
  source: [
    { login: "TRANSHIP_SOURCE_LOGIN", password: "TRANSHIP_SOURCE_PASSWORD", license: "TRANSHIP_LICENSE_TOKEN" },
    { login: "D8_MIRROR_SOURCE_LOGIN", password: "D8_MIRROR_SOURCE_PASSWORD", license: "D8_MIRROR_LICENSE_TOKEN" },
  ],
  target: [
    { login: "TRANSHIP_REGISTRY_LOGIN", password: "TRANSHIP_REGISTRY_PASSWORD" },
    { login: "D8_MIRROR_REGISTRY_LOGIN", password: "D8_MIRROR_REGISTRY_PASSWORD" },
  ],
  elsewhere: [],
};

/** The variables that name the source where no flag does, ours first. */
export const sourceVariables: readonly string[] = ["TRANSHIP_SOURCE", "D8_MIRROR_SOURCE"];

/** The variables that say how long a registry may be silent, ours first. */
export const timeoutVariables: readonly string[] = ["TRANSHIP_TIMEOUT", "D8_MIRROR_TIMEOUT"];

/** The first of these variables that is set; set, but empty, is not set. */
export function firstSet(environment: Environment, names: readonly string[]): Variable | undefined {
  for (const name of names) {
    const value = environment[name];
    if (value) return { name, value };
  }
  return undefined;
}
