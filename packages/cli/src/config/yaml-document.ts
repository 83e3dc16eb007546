import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  visit,
  type YAMLMap,
} from "yaml";
import { parseBoundedYaml } from "./bounded-yaml.ts";

/** Where something is in a file; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** What is wrong with a file, and where. */
export interface PlacedFault extends Position {
  readonly message: string;
}

/** Keys of mappings and places in lists, from the outside in. */
export type KeyPath = readonly PropertyKey[];

/** A YAML document that may be used, and where its parts are. */
export interface YamlDocument {
  /** Plain data. */
  readonly value: unknown;
  /** Where the value is that a path leads to, or the last of its keys; the nearest thing around it where that is not there. */
  positionOf(path: KeyPath, part: "key" | "value"): Position;
}

/** What is told in place of the parser's words, by its codes. */
const ownWords: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "a second document begins here: there can be one only",
  RESOURCE_EXHAUSTION: "it is nested too deeply",
};

/** How often aliases may repeat what they stand for, all together. */
const maxAliasCount = 100;

/** How many aliases there may be: the reader looks for what each stands for in all of the file. */
const maxAliases = 200;

/** How many parts of a file are looked at: more than any sensible one has. */
const maxNodes = 100_000;

/**
 * Reads the one document of a YAML 1.2 file: no tags, no key twice, keys of plain text, few aliases. The faults are those of
 * the syntax; with any, there is no document.
 */
export function readYaml(text: string): YamlDocument | readonly PlacedFault[] {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  try {
    const options = {
      prettyErrors: false,
      uniqueKeys: false,
      version: "1.2",
      schema: "core",
      stringKeys: false,
    } as const;
    const document = parseBoundedYaml(text, { ...options, lineCounter: lines, logLevel: "error" });
    const faults = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
      ...at(pos[0]),
      message: ownWords[code] ?? message,
    }));
    const found = faults.length > 0 ? faults : faultsOf(document, at);
    if (found.length > 0) return found;
    const places = new Places(document);
    return {
      value: document.toJS({ maxAliasCount }),
      positionOf: (path, part) => at(places.offsetOf(path, part)),
    };
  } catch (error) {
    if (error instanceof RangeError) return [{ line: 1, column: 1, message: "it is nested too deeply" }];
    if (error instanceof SyntaxError) return [{ line: 1, column: 1, message: error.message }];
    if (error instanceof ReferenceError) return [{ line: 1, column: 1, message: "its aliases stand for too much" }];
    throw error;
  }
}

/** What YAML allows and a configuration does not. */
function faultsOf(document: Document.Parsed, at: (offset: number) => Position): readonly PlacedFault[] {
  const faults: PlacedFault[] = [];
  let nodes = 0;
  let aliases = 0;
  const anchors = new Set<string>();
  const tell = (node: unknown, message: string) => faults.push({ ...at(startOf(node) ?? 0), message });
  visit(document, (_key, node) => {
    nodes += 1;
    if (nodes > maxNodes) {
      faults.splice(0, faults.length, { line: 1, column: 1, message: `it has more than ${maxNodes} parts` });
      return visit.BREAK;
    }
    if (isNode(node) && !isAlias(node) && node.tag !== undefined)
      tell(node, `tags such as ${node.tag} mean nothing here`);
    if (isAlias(node)) aliases += 1;
    if (aliases > maxAliases) {
      faults.splice(0, faults.length, { ...at(startOf(node) ?? 0), message: `it has more than ${maxAliases} aliases` });
      return visit.BREAK;
    }
    // asking the document about each alias would read all of it as often as there are aliases
    if (isAlias(node) && !anchors.has(node.source)) tell(node, `nothing before it is called &${node.source}`);
    if (isNode(node) && !isAlias(node) && node.anchor !== undefined) anchors.add(node.anchor);
    if (!isMap(node)) return undefined;
    const known = new Set<string>();
    for (const { key } of node.items) {
      if (!isScalar(key) || typeof key.value !== "string") tell(key, "a key is plain text: put quotes around it");
      else if (key.value === "__proto__")
        tell(key, "__proto__: there is no such key here"); // schemas pass it over
      else if (known.has(key.value)) tell(key, `the key ${key.value} is here twice`);
      else known.add(key.value);
    }
    return undefined;
  });
  return faults;
}

/** Where the parts of a document begin. There may be as many faults as keys: no mapping is searched more than once. */
class Places {
  readonly #document: Document.Parsed;
  readonly #pairs = new Map<unknown, ReadonlyMap<unknown, Pair>>();
  readonly #meant = new Map<Alias, Node | undefined>();

  constructor(document: Document.Parsed) {
    this.#document = document;
  }

  /** Where the node a path leads to begins, as far as the path leads. */
  offsetOf(path: KeyPath, part: "key" | "value"): number {
    let node: unknown = this.#document.contents;
    let offset = startOf(node) ?? 0;
    for (const [depth, step] of path.entries()) {
      const isLast = depth === path.length - 1;
      const [key, value] = this.#memberOf(isAlias(node) ? this.#meantBy(node) : node, step);
      if (key === undefined && value === undefined) break;
      offset = (isLast && part === "key" ? startOf(key) : startOf(value)) ?? startOf(key) ?? offset;
      node = value;
    }
    return offset;
  }

  /** A key and its value; of a list, the value alone. */
  #memberOf(node: unknown, step: PropertyKey): readonly [unknown, unknown] {
    if (isSeq(node)) return [undefined, node.items[Number(step)]];
    const pair = isMap(node) ? this.#pairsOf(node).get(step) : undefined;
    return pair ? [pair.key, pair.value] : [undefined, undefined];
  }

  #pairsOf(map: YAMLMap): ReadonlyMap<unknown, Pair> {
    const known = this.#pairs.get(map);
    if (known) return known;
    const made = new Map(map.items.map((pair) => [isScalar(pair.key) ? pair.key.value : undefined, pair]));
    this.#pairs.set(map, made);
    return made;
  }

  #meantBy(alias: Alias): Node | undefined {
    if (!this.#meant.has(alias)) this.#meant.set(alias, alias.resolve(this.#document));
    return this.#meant.get(alias);
  }
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
