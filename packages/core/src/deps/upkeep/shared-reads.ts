import { lstat } from "node:fs/promises";
import type { Digest } from "@tranship/registry";
import { identityOf } from "../../layout/atomic-file.ts";
import type { CheckOptions, ContentCheck, ExpectedContent } from "../jobs/item-job.ts";
import type { Presence } from "../plan.ts";

/** Reads each file once in one run, however many items share it and by however many names it is reached. */
export class SharedReads implements ContentCheck {
  readonly #contents: ContentCheck;
  readonly #checks = new Map<string, Promise<Presence>>();

  constructor(contents: ContentCheck) {
    this.#contents = contents;
  }

  async check(path: string, content: ExpectedContent, options: CheckOptions): Promise<Presence> {
    const found = await lstat(path, { bigint: true }).catch(() => undefined);
    if (!found?.isFile()) return await this.#contents.check(path, content, options); // nothing that could be shared
    const key = [identityOf(found), content.digest, content.size, options.isDeep === true].join(" ");
    const running = this.#checks.get(key) ?? this.#contents.check(path, content, options);
    this.#checks.set(key, running);
    return await running;
  }

  async note(path: string, digest: Digest): Promise<void> {
    await this.#contents.note(path, digest);
  }

  async known(path: string): Promise<Digest | undefined> {
    return await this.#contents.known(path);
  }
}
