import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "./temp-folder.ts";

/** A folder of programs that are shell scripts, to be put on `PATH` before the real ones. */
export class ProgramFolder {
  /** Also the scripts' `$HERE`. */
  readonly path: string = tempFolder();

  /** Adds a program. Its arguments are kept, `|` between them, before the script runs. */
  add(name: string, script: string): this {
    const text = `#!/bin/sh\nHERE='${this.path}'\n(IFS='|'; printf '%s\\n' "$*") >> "$HERE/calls"\n${script}\n`;
    writeFileSync(join(this.path, name), text, { mode: 0o755 });
    return this;
  }

  /** Writes a file for the scripts; gives its path. */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }

  /** What the programs were called with so far, in that order. */
  get calls(): readonly string[] {
    const log = join(this.path, "calls");
    return existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : [];
  }

  /** The environment they are found in. */
  get environment(): Readonly<Record<string, string>> {
    return { PATH: `${this.path}:/usr/bin:/bin`, HOME: this.path };
  }
}
