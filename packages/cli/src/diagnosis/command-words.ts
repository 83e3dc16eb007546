/** How advice speaks of the command that failed. */
export interface CommandWords {
  /** Where its registry was named, such as `--source`. */
  readonly place: string;
  /** What it does there. */
  readonly does: "read" | "write";
  /** Whose path is in question. */
  readonly side: "source" | "target" | "registry";
  /** What to do when it may pass; says what is not lost. */
  readonly again: string;
  /** How to say who asks. */
  readonly login: string;
  /** What flags about the trust in one registry begin with, such as `--insecure`. */
  readonly trustFlags: "--" | "--source-";
  /** What it has no flags for, and takes from the configuration; by the flags of others. */
  readonly configured: Readonly<Record<string, string>>;
  /** Whether it has `--access-timeout`. */
  readonly hasAccessTimeout: boolean;
  /** Whether it fills a bundle. */
  readonly writesBundle: boolean;
  /** Whether it reads one from this machine. */
  readonly readsBundle: boolean;
}

const login =
  "give --registry-login NAME with --registry-password-stdin; without them, what docker or podman logged in with is used";

const reading: CommandWords = {
  place: "the registry's name",
  login,
  does: "read",
  side: "registry",
  trustFlags: "--",
  configured: {},
  again: "run the command again",
  hasAccessTimeout: false,
  writesBundle: false,
  readsBundle: false,
};

const source = {
  ...reading,
  place: "--source",
  side: "source",
  login: `for a license, give --license TOKEN; for any other registry, ${login}`,
} as const;

/** Flags about one registry are about the source: nobody else is shown its credentials. */
const elsewhere = "; for an --image of another registry than the source, log in with docker or podman";

const selecting = { ...source, place: "--source or --image", login: `${source.login}${elsewhere}` } as const;

const againSync = "run the sync again: what is there already is not sent again";
const sourceLogin = `give --source-login NAME and its password in TRANSHIP_SOURCE_PASSWORD, or for a license --license TOKEN; without them, what docker or podman logged in with is used${elsewhere}`;

const byCommand: Readonly<Record<string, CommandWords>> = {
  plan: { ...selecting, hasAccessTimeout: true },
  pull: {
    ...selecting,
    again: "run the same pull again: it goes on where it stopped and fetches only what is missing",
    hasAccessTimeout: true,
    writesBundle: true,
  },
  repair: {
    ...source,
    again: "run the repair again: what is whole by now is not fetched again",
    writesBundle: true,
    readsBundle: true,
  },
  push: {
    ...reading,
    place: "the target's name",
    does: "write",
    side: "target",
    again: "run the push again: what is there already is not sent again",
    readsBundle: true,
  },
  sync: {
    ...source,
    place: "the source's name or --image",
    again: againSync,
    login: sourceLogin,
    trustFlags: "--source-",
    hasAccessTimeout: true,
  },
  "sync to": { ...reading, place: "the target's name", does: "write", side: "target", again: againSync },
  verify: { ...reading, again: "run the verification again: it reads everything anew", readsBundle: true },
  inspect: { ...reading, readsBundle: true },
  serve: { ...reading, readsBundle: true },
  doctor: { ...reading, again: "run it again" },
  clean: { ...reading, writesBundle: true },
  deps: {
    ...reading,
    place: "the manifest or --base-url",
    configured: {
      "--tls-skip-verify": "tlsSkipVerify: true of the host in tranship.yaml",
      "--client-cert": "clientCert of the host in tranship.yaml",
      "--client-key": "clientKey",
      "--registry-login": "credentials of the host in tranship.yaml",
    },
    again: "run it again: what is there is not fetched again, and what was begun goes on",
    login: "log in with docker or podman, or say in tranship.yaml who asks the registry",
  },
  rootfs: {
    ...reading,
    place: "the image's name or --source",
    again: "run it again: with --layer-cache, what was fetched is not fetched again",
  },
};

/** The words for a command, and where it has two registries for `side`; general ones for those that have none of their own. */
export function wordsFor(command: string | undefined, side?: string): CommandWords {
  const [own, ofTarget] = [byCommand[command ?? ""], byCommand[`${command} to`]];
  return (side === "target" ? ofTarget : undefined) ?? own ?? reading;
}
