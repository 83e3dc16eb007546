/** What a source does that nothing we publish may do; no code is run to find it. */
export interface SourceFault {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
}

interface Rule {
  readonly name: string;
  readonly pattern: RegExp;
  /** Where it is what it is for, by the end of the file's path. */
  readonly allowedIn?: readonly string[];
}

const rules: readonly Rule[] = [
  { name: "runs text as code", pattern: /\beval\s*\(|\bnew\s+Function\b|\bFunction\s*\(\s*["'`]|\beval\s*:\s*true/ },
  {
    name: "runs text in a context of its own",
    pattern: /["'](?:node:)?vm["']/,
    allowedIn: ["core/src/selection/image-pattern.ts"], // the text is fixed; the regular expression comes as a value
  },
  {
    name: "starts programs",
    pattern: /["'](?:node:)?(?:child_process|cluster)["']/,
    allowedIn: ["core/src/tools/run-tool.ts", "registry/src/remote/credentials/run-program.ts"],
  },
  {
    name: "starts a shell",
    pattern: /\bshell\s*:\s*(?!found\b)(?:true|["'`]|[a-z]\w*\s*[,}\n])|\bexec(?:Sync)?\s*\(\s*`/,
  },
  {
    name: "imports what a value names",
    pattern: /\bimport\s*\(\s*(?!["'])/,
    allowedIn: [
      "cli/src/rootfs/hooks.ts", // --hook, which runs what the user names
      "core/src/rootfs/layers/layer-worker.ts", // of our own tasks
    ],
  },
  { name: "starts a thread of what a value names", pattern: /\bnew\s+Worker\s*\(\s*(?!new\s+URL\s*\(\s*`\.\/)/ },
  {
    name: "loads modules in another way",
    pattern: /\bcreateRequire\b|["'](?:node:)?module["'];?$|process\.(?:binding|dlopen)\b/,
  },
  { name: "opens a debugger", pattern: /["'](?:node:)?inspector(?:\/promises)?["']/ },
  { name: "reaches for a prototype", pattern: /\.__proto__\b|\[\s*["'`]__proto__["'`]\s*\]|\bsetPrototypeOf\s*\(/ },
];

/** What is forbidden in a source. Comments do not count: the words may be spoken of. */
export function faultsOf(file: string, source: string): readonly SourceFault[] {
  const lines = withoutComments(source).split("\n");
  return rules.flatMap(({ name, pattern, allowedIn = [] }) => {
    if (allowedIn.some((end) => file.endsWith(end))) return [];
    return lines.flatMap((text, at) => (pattern.test(text) ? [{ file, line: at + 1, rule: name }] : []));
  });
}

/** Lines stay where they are. */
function withoutComments(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|[\s;,{}()])\/\/.*$/gm, "$1");
}
