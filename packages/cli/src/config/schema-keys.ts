import { configJsonSchema } from "./config-schema.ts";
import type { KeyPath } from "./yaml-document.ts";

/** As much of a JSON Schema as ours is made of. */
export interface KeySchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, KeySchema>>;
  readonly additionalProperties?: KeySchema | boolean;
  readonly items?: KeySchema;
  readonly anyOf?: readonly KeySchema[];
}

/** Made once, when something is first asked. */
let root: KeySchema | undefined;

/** The keys there may be in the mapping that a path leads to. */
export function allowedKeys(path: KeyPath): readonly string[] {
  root ??= configJsonSchema() as KeySchema;
  let schemas: readonly KeySchema[] = [root];
  for (const step of path) schemas = schemas.flatMap((schema) => below(schema, step));
  return schemas.flatMap(shapes).flatMap(({ properties = {} }) => Object.keys(properties));
}

/** The sections, such as `pull`, that have a key of this name; the top of the file is the empty one. */
export function sectionsWith(key: string): readonly string[] {
  const top = allowedKeys([]);
  const sections = [...top, "registries.HOST"].filter((section) =>
    allowedKeys(section === "registries.HOST" ? ["registries", "host"] : [section]).includes(key),
  );
  return top.includes(key) ? ["", ...sections] : sections;
}

function below(schema: KeySchema, step: PropertyKey): readonly KeySchema[] {
  return shapes(schema).flatMap(({ properties, additionalProperties, items }) => {
    if (typeof step === "number") return items ?? [];
    const own = properties?.[String(step)];
    if (own) return own;
    return typeof additionalProperties === "object" ? additionalProperties : [];
  });
}

function shapes(schema: KeySchema): readonly KeySchema[] {
  return schema.anyOf ? schema.anyOf.flatMap(shapes) : [schema];
}
