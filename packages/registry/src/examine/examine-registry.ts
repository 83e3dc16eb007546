import { RegistryError } from "../errors.ts";
import { joinPath } from "../oci/reference.ts";
import { Endpoints } from "../remote/endpoints.ts";
import type { RemoteRegistry } from "../remote/http-registry.ts";
import { partsOfRegistry } from "../remote/registry-parts.ts";
import type { CallOptions } from "../repository.ts";
import { checkCatalog, checkCredentials, checkTags, type FindCredentials } from "./access-checks.ts";
import { checkApi, checkClock, checkConnection, checkTls, isReached } from "./contact-checks.ts";
import type { CheckFinding, Examination, ExaminedCheck, ExaminedId } from "./examination.ts";
import { firstContact } from "./first-contact.ts";
import { checkLimits, checkManifest, checkRanges, checkReferrers, type ReadManifest } from "./reading-checks.ts";
import { type CheckOptions, notAsked, runCheck } from "./run-check.ts";
import type { Subject } from "./subject.ts";
import { WriteTrial } from "./writing-checks.ts";

/** Options of {@link examineRegistry}. */
export interface ExamineOptions extends CallOptions {
  /**
   * Whether a blob, a mount and an image under a tag of its own are written, and deleted again where that is allowed.
   * Without it nothing is written. @defaultValue false
   */
  readonly write?: boolean | undefined;
  /** Finds where the credentials come from, to be told; never what they are. @defaultValue not told */
  readonly findCredentials?: FindCredentials | undefined;
  /** Told of each check as it is done. */
  readonly onCheck?: ((check: ExaminedCheck) => void) | undefined;
}

const readings = ["catalog", "tags", "manifest", "referrers", "ranges"] as const;
const writings = ["upload", "chunks", "mount", "manifest-push"] as const;

/**
 * Looks at what a registry does of what a mirror needs: reaching it, TLS, who is asked for, lists, manifests, referrers,
 * parts of blobs, its clock and limits; and, when told to, writes. Each question is asked once, in this order; what fails
 * does not end it, unless nothing after it could be asked. Writing is repeated as the registry's options say.
 * @throws RegistryError `UNSUPPORTED` for a registry that `createRegistry` did not make, or with mirrors
 * @see distribution-spec v1.1.1, "Endpoints"
 */
export async function examineRegistry(registry: RemoteRegistry, options: ExamineOptions = {}): Promise<Examination> {
  const subject = subjectOf(registry, options.signal);
  const examining = new Examining(subject, options);
  await examining.run();
  const { checks } = examining;
  const worst = (["failed", "warning"] as const).find((status) => checks.some((check) => check.status === status));
  return { registry: registry.name, status: worst ?? "ok", checks, left: [...subject.left] };
}

class Examining {
  readonly checks: ExaminedCheck[] = [];
  readonly #subject: Subject;
  readonly #options: ExamineOptions;

  constructor(subject: Subject, options: ExamineOptions) {
    this.#subject = subject;
    this.#options = options;
  }

  async run(): Promise<void> {
    const subject = this.#subject;
    const { write = false } = this.#options;
    const contact = await firstContact(subject);
    await this.#look("connection", () => checkConnection(contact, subject));
    if (!isReached(contact)) {
      return this.#skip(
        ["tls", "api", "credentials", ...readings, ...writings, "limits", "clock"],
        "the host was not reached",
      );
    }
    const tls = await this.#look("tls", () => checkTls(contact, subject, Date.now()));
    if (tls.status === "failed") {
      return this.#skip(
        ["api", "credentials", ...readings, ...writings, "limits", "clock"],
        "the connection is not safe",
      );
    }
    const api = await this.#look("api", () => checkApi(contact, subject));
    if (api.status === "failed") {
      this.#skip(["credentials", ...readings, ...writings], "the registry's API was not found");
    } else {
      const isAsked = contact.answer?.status === 401;
      const credentials = await this.#look("credentials", () =>
        checkCredentials(subject, this.#options.findCredentials, isAsked),
      );
      if (credentials.status === "failed") this.#skip([...readings, ...writings], "the credentials were not accepted");
      else {
        await this.#read();
        if (write) await this.#write();
        else this.#skip(writings, "writing was not asked for");
      }
    }
    await this.#look("limits", () => checkLimits(subject));
    await this.#look("clock", () => checkClock(contact));
  }

  async #read(): Promise<void> {
    const subject = this.#subject;
    let repositories: readonly string[] = [];
    await this.#look(
      "catalog",
      async () => {
        const catalog = await checkCatalog(subject);
        ({ repositories } = catalog);
        return catalog.finding;
      },
      {
        failure: "warning",
        advice: "name what is wanted: everything but an inventory without a plan works all the same",
      },
    );
    let readable: { readonly path: string; readonly tag: string } | undefined;
    await this.#look("tags", async () => {
      const tags = await checkTags(subject, repositories, this.#options.write ?? false);
      ({ readable } = tags);
      return tags.finding;
    });
    if (!readable) return this.#skip(["manifest", "referrers", "ranges"], "there is no tag to read");
    const { path, tag } = readable;
    let read: ReadManifest | undefined;
    await this.#look("manifest", async () => {
      const { finding, manifest } = await checkManifest(subject, path, tag);
      read = { path, manifest };
      return finding;
    });
    if (!read) return this.#skip(["referrers", "ranges"], "the manifest could not be read");
    const image: ReadManifest = read;
    await this.#look("referrers", () => checkReferrers(subject, image), { failure: "warning" });
    await this.#look("ranges", () => checkRanges(subject, image));
  }

  async #write(): Promise<void> {
    const trial = new WriteTrial(this.#subject);
    const upload = await this.#look("upload", () => trial.upload());
    if (upload.status === "failed") return this.#skip(["chunks", "mount", "manifest-push"], "nothing can be written");
    try {
      await this.#look("chunks", () => trial.chunks(), {
        failure: "warning",
        advice: "an upload that breaks begins anew; blobs are sent in one request",
      });
      await this.#look("mount", () => trial.mount(), {
        failure: "warning",
        advice: "what another repository has is sent again; a user for one repository only is refused here, too",
      });
      await this.#look("manifest-push", () => trial.manifest());
    } finally {
      await trial.clean();
    }
  }

  async #look(id: ExaminedId, look: () => Promise<CheckFinding>, options: CheckOptions = {}): Promise<ExaminedCheck> {
    const { signal } = this.#options;
    return this.#add(await runCheck(id, look, { ...options, signal }));
  }

  #skip(ids: readonly ExaminedId[], reason: string): void {
    for (const id of ids) this.#add(notAsked(id, reason));
  }

  #add(check: ExaminedCheck): ExaminedCheck {
    this.checks.push(check);
    this.#options.onCheck?.(check);
    return check;
  }
}

function subjectOf(registry: RemoteRegistry, signal: AbortSignal | undefined): Subject {
  const parts = partsOfRegistry(registry);
  if (!parts) {
    const message = `cannot examine ${registry.name}: it is no registry on a remote host, or stands behind mirrors`;
    throw new RegistryError("UNSUPPORTED", message, { registry: registry.name, operation: "examine" });
  }
  const { place, client } = parts;
  const endpoints = (path: string) => {
    const { name } = registry.repository(path); // Docker Hub's own images are elsewhere than they are called
    return new Endpoints(client.origin, place.host, joinPath(name.slice(place.host.length + 1)));
  };
  return { registry, place, client, signal, seen: [], left: [], endpoints };
}
