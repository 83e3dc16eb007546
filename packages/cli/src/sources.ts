import { type DownloadList, listedHosts, type RegistryOfHost, type SourceRegistries } from "@tranship/core";
import { parsePlace, type RegistryReader } from "@tranship/registry";
import type { CliContext, RegistryFlags } from "./context.ts";
import { type CredentialFlags, hasCredentials } from "./flags/credential-flags.ts";
import { requireSource, type SourceFlag, sourceOf } from "./flags/source-flag.ts";
import { openSource, parseCliPlace } from "./place.ts";
import { UsageError } from "./usage-error.ts";

/** Flags that are about one registry: who asks it, and how far its connection is trusted. */
type OwnFlag =
  | keyof CredentialFlags
  | keyof Pick<RegistryFlags, "insecure" | "tlsSkipVerify" | "clientCert" | "clientKey">;

/** What each of them is called. */
export type OwnFlags = Readonly<Record<OwnFlag, string>>;

const ownFlags: OwnFlags = {
  registryLogin: "--registry-login",
  registryPassword: "--registry-password",
  registryPasswordStdin: "--registry-password-stdin",
  sourceLogin: "--source-login",
  sourcePassword: "--source-password",
  license: "--license",
  insecure: "--insecure",
  tlsSkipVerify: "--tls-skip-verify",
  clientCert: "--client-cert",
  clientKey: "--client-key",
};

/** The registries a command reads from: the source, and whatever hosts it needs besides; closed together. */
export class Sources implements AsyncDisposable {
  /** What `--source` says, else the configuration, else the environment; `undefined` where none does. */
  readonly place: string | undefined;
  /** Whether it was the flag. */
  readonly isGiven: boolean;
  /** Whether it was the flag or the configuration: what only the environment says is nobody's wish. */
  readonly isWanted: boolean;
  readonly #flags: RegistryFlags & SourceFlag;
  readonly #context: CliContext;
  readonly #flagNames: OwnFlags;
  readonly #opened: AsyncDisposable[] = [];

  /** `flagNames` says what flags about the source are called where not as usual. */
  constructor(flags: RegistryFlags & SourceFlag, context: CliContext, flagNames: Partial<OwnFlags> = {}) {
    this.place = sourceOf(flags, context.environment);
    this.isGiven = flags.source !== undefined;
    this.isWanted = this.isGiven || flags.configuredSource !== undefined;
    this.#flags = flags;
    this.#context = context;
    this.#flagNames = { ...ownFlags, ...flagNames };
  }

  /** Opens the source. @throws UsageError when there is none */
  async source(): Promise<RegistryReader> {
    const source = await openSource(requireSource(this.#flags, this.#context.environment), this.#flags, this.#context);
    this.#opened.push(source);
    return source;
  }

  /**
   * Opens the registries of these hosts. Flags about one registry go to the source's host, or without a source to the only
   * host there is; the others are asked with what docker or podman keep for them.
   * @throws UsageError when it cannot be told whom such flags are about
   */
  async ofHosts(
    hosts: readonly string[],
    { isSourceAsked }: { readonly isSourceAsked: boolean },
  ): Promise<RegistryOfHost> {
    const sourceHost = this.#sourceHost();
    const own = isSourceAsked ? sourceHost : hosts.length === 1 ? hosts[0] : undefined;
    const given = Object.entries(this.#flagNames).flatMap(([name, flag]) =>
      this.#flags[name as OwnFlag] === undefined ? [] : flag,
    );
    if (!isSourceAsked && own === undefined && given[0] !== undefined) {
      const which = `${hosts.slice(0, 5).join(", ")}${hosts.length > 5 ? ", …" : ""}`;
      throw new UsageError(
        `${given[0]}: it is about one registry, and the images are on several (${which}); log in with docker or podman`,
      );
    }
    const registries = new Map<string, RegistryReader>();
    for (const host of hosts) {
      const isOwn = host === own;
      // what variables say is about the source they name; a flag about who asks takes them along
      const isSource = host === sourceHost || (isOwn && hasCredentials(this.#flags));
      const flags = isOwn ? this.#flags : withoutOwn(this.#flags);
      const registry = await this.#context.registry(host, flags, isSource ? "source" : "elsewhere");
      this.#opened.push(registry);
      registries.set(host, registry);
    }
    return (host) => {
      const registry = registries.get(host);
      if (registry) return registry;
      throw new UsageError(`${host} is none of the hosts that were named`);
    };
  }

  /** Opens what a list is of: the source where it is given or all of the list lies there, else each host of the list. */
  async ofList(list: DownloadList): Promise<SourceRegistries> {
    if (this.isGiven || (this.place !== undefined && liesBelow(list, this.place))) return await this.source();
    return await this.ofHosts(listedHosts(list), { isSourceAsked: false });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#opened) await one[Symbol.asyncDispose]();
  }

  /** The source's host, where the source is a registry. */
  #sourceHost(): string | undefined {
    if (this.place === undefined) return undefined;
    const place = parseCliPlace(this.place, () => false);
    return place.kind === "registry" ? parsePlace(place.place).host : undefined;
  }
}

function liesBelow(list: DownloadList, place: string): boolean {
  const root = place.replace(/^registry:/, "").replace(/\/+$/, "");
  const repositories = list.archives.flatMap(({ sections }) => sections.flatMap((section) => section.repositories));
  return repositories.every(({ source }) => source === root || source.startsWith(`${root}/`));
}

function withoutOwn(flags: RegistryFlags): RegistryFlags {
  return Object.fromEntries(Object.entries(flags).filter(([name]) => !(name in ownFlags)));
}
