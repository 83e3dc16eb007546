import { type Document, isAlias, isCollection, isScalar, visit } from "yaml";
import * as z from "zod";
import { isPathSegment } from "../path-segment.ts";
import { parseBoundedYaml } from "./bounded-yaml.ts";
import { chartError } from "./chart-error.ts";

/** The most of a `Chart.yaml` that is read, in bytes. */
const maxYamlBytes = 1024 * 1024;

/** How often aliases may repeat what they stand for, all together. */
const maxAliasCount = 100;

/** More aliases than any chart has: the reader looks for what each stands for in all of the file. */
const maxAliases = 200;

/** A chart that another one needs; what is not said of it is empty. */
export interface ChartDependency {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
  readonly condition: string;
  readonly tags: readonly string[];
  readonly enabled: boolean;
  readonly "import-values": readonly unknown[];
  readonly alias: string;
}

/** What a `Chart.yaml` says; what it leaves out is empty. @see Helm documentation, "The Chart.yaml File" */
export interface ChartMetadata {
  readonly name: string;
  readonly home: string;
  readonly sources: readonly string[];
  readonly version: string;
  readonly description: string;
  readonly keywords: readonly string[];
  readonly maintainers: readonly { readonly name: string; readonly email: string; readonly url: string }[];
  readonly icon: string;
  readonly apiVersion: string;
  readonly condition: string;
  readonly tags: string;
  readonly appVersion: string;
  readonly deprecated: boolean;
  readonly annotations: Readonly<Record<string, string>>;
  readonly kubeVersion: string;
  readonly dependencies: readonly ChartDependency[];
  readonly type: string;
}

/** Texts may be written as numbers or truth values: `appVersion: 1.16` is the text `1.16`. */
const text = z
  .union([z.string(), z.number(), z.boolean()])
  .nullish()
  .transform((value) => (value === null || value === undefined ? "" : String(value)));

const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

function listOf<Item extends z.ZodType>(item: Item) {
  return z
    .array(item)
    .nullish()
    .transform((values) => values ?? []);
}

const dependencySchema: z.ZodType<ChartDependency> = z.object({
  name: text,
  version: text,
  repository: text,
  condition: text,
  tags: listOf(text),
  enabled: flag,
  "import-values": listOf(z.unknown()),
  alias: text,
});

const dependenciesSchema = listOf(dependencySchema);

const metadataSchema: z.ZodType<ChartMetadata> = z.object({
  name: text,
  home: text,
  sources: listOf(text),
  version: text,
  description: text,
  keywords: listOf(text),
  maintainers: listOf(z.object({ name: text, email: text, url: text })),
  icon: text,
  apiVersion: text,
  condition: text,
  tags: text,
  appVersion: text,
  deprecated: flag,
  annotations: z
    .record(z.string(), text)
    .nullish()
    .transform((values) => values ?? {}),
  kubeVersion: text,
  dependencies: dependenciesSchema,
  type: text,
});

/** As lenient as Helm is: one to three numbers, maybe after a `v`. */
const versionPattern =
  /^v?\d+(?:\.\d+){0,2}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/**
 * Reads a `Chart.yaml`, and the `requirements.yaml` that older charts name their dependencies in.
 * @param chart what it is, for messages
 * @throws DepsError `CHART_TYPE`
 */
export function parseChartYaml(
  bytes: Uint8Array,
  requirements: Uint8Array | undefined,
  chart: string,
): ChartMetadata & { readonly apiVersion: "v1" | "v2" } {
  const metadata = checked(metadataSchema, readYaml(bytes, "Chart.yaml", chart), "Chart.yaml", chart);
  const { name, version, type } = metadata;
  const apiVersion = metadata.apiVersion === "" ? "v1" : metadata.apiVersion; // Helm 2 did not ask for one
  const refuse = (reason: string) => chartError(chart, `its Chart.yaml ${reason}`);
  if (name === "") throw refuse("gives it no name");
  if (!isPathSegment(name))
    throw refuse(`names it ${JSON.stringify(name.slice(0, 300))}, which no folder can be called`);
  if (version === "") throw refuse("gives it no version");
  if (version.length > 256 || !versionPattern.test(version))
    throw refuse(`gives it the version ${JSON.stringify(version.slice(0, 300))}, which is none`);
  if (apiVersion !== "v1" && apiVersion !== "v2")
    throw refuse(`is of apiVersion ${JSON.stringify(apiVersion.slice(0, 100))}, not v1 or v2`);
  if (!["", "application", "library"].includes(type))
    throw refuse(`is of type ${JSON.stringify(type.slice(0, 100))}, neither application nor library`);
  // Of v1 only that other file counts, of v2 it comes before Chart.yaml.
  let dependencies = apiVersion === "v2" ? metadata.dependencies : [];
  if (requirements !== undefined) {
    const schema = z.object({ dependencies: dependenciesSchema });
    const value = readYaml(requirements, "requirements.yaml", chart) ?? {};
    dependencies = checked(schema, value, "requirements.yaml", chart).dependencies;
  }
  if (dependencies.some((dependency) => dependency.name === "")) throw refuse("has a dependency without a name");
  return { ...metadata, apiVersion, dependencies };
}

/** As Helm reads it, that is YAML 1.1: `yes` is a truth value; but neither moments nor sums of sixties. */
function readYaml(bytes: Uint8Array, file: string, chart: string): unknown {
  if (bytes.byteLength > maxYamlBytes) throw chartError(chart, `its ${file} is over ${maxYamlBytes} bytes long`);
  try {
    const source = new TextDecoder("utf-8", { fatal: true }).decode(bytes); // without the mark at its begin
    const document = parseBoundedYaml(source, {
      version: "1.1",
      uniqueKeys: false, // the reader would hold each key of a mapping against all others
      prettyErrors: false,
      logLevel: "silent",
      customTags: (tags) =>
        tags.filter(
          (tag) => typeof tag === "string" || (tag.format !== "TIME" && tag.tag !== "tag:yaml.org,2002:timestamp"),
        ),
    });
    const [fault] = document.errors;
    if (fault?.code === "RESOURCE_EXHAUSTION") throw new RangeError(fault.message);
    if (fault !== undefined) throw fault;
    requireFewAndUnique(document);
    return document.toJS({ maxAliasCount }) as unknown;
  } catch (cause) {
    const reason = cause instanceof RangeError ? "it is nested too deeply" : (cause as Error).message;
    throw chartError(chart, `its ${file} cannot be read: ${reason}`, cause);
  }
}

/**
 * @throws SyntaxError for a mapping with a key twice, of which each program would read another; for a key that is a list or a
 *   mapping, which Helm does not read either, and which would be made into text again at each level; for too many aliases
 */
function requireFewAndUnique(document: Document.Parsed): void {
  let aliases = 0;
  visit(document, {
    Alias() {
      aliases += 1;
      if (aliases > maxAliases) throw new SyntaxError(`it has more than ${maxAliases} aliases`);
    },
    Map(_, { items }) {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (isCollection(isAlias(key) ? key.resolve(document) : key))
          throw new SyntaxError("a key is a list or a mapping");
        if (!isScalar(key)) continue;
        if (keys.has(key.value)) throw new SyntaxError(`the key ${String(key.value).slice(0, 100)} is there twice`);
        keys.add(key.value);
      }
    },
  });
}

function checked<Value>(schema: z.ZodType<Value>, value: unknown, file: string, chart: string): Value {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.join(".") ?? "";
  throw chartError(chart, `its ${file} is wrong${place === "" ? "" : ` at ${place}`}: ${issue?.message}`);
}
