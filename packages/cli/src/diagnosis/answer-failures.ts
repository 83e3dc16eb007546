import type { CommandWords } from "./command-words.ts";
import type { Finding, PossibleCause } from "./diagnosis.ts";
import type { FailureFacts } from "./failure-facts.ts";

/** 401: the registry does not know us. */
export function authenticationFinding(facts: FailureFacts): Finding | undefined {
  const { registry, host, words } = facts;
  if (registry?.code !== "UNAUTHORIZED" && !says(facts, "UNAUTHORIZED")) return undefined;
  return {
    class: "authentication",
    category: `the registry wants credentials, or other ones (401, ${host})`,
    causes: [
      { cause: "no credentials were found, or they are not the right ones any more", advice: [words.login] },
      {
        cause: words.does === "write" ? "this user may read there, but not write" : "this user may not read this path",
        advice: [
          words.does === "write"
            ? "ask the registry's administrator for the right to push to this path"
            : `check the path in ${words.place}; ask the registry's administrator for the right to read it`,
        ],
      },
    ],
  };
}

/** 403: the registry knows us, and does not let us. */
export function accessDeniedFinding(facts: FailureFacts): Finding | undefined {
  const { registry, mirror, host, words } = facts;
  if (registry?.code !== "FORBIDDEN" && !says(facts, "DENIED")) return undefined;
  const isCatalog = mirror?.code === "TRANSFER_FAILED" && "catalog" in mirror.details;
  return {
    class: "access-denied",
    category: `the registry refuses access (403, ${host})`,
    causes: [
      {
        cause: words.does === "write" ? "this user may not write to this path" : "this user may not read this path",
        advice: [
          `ask the registry's administrator for the right to ${words.does === "write" ? "push to" : "read"} it`,
          words.login,
        ],
      },
      ...(isCatalog
        ? [
            {
              cause: "this user may read images, but not list the catalog",
              advice: ["name what to mirror, and give --proxy-registry"],
            },
          ]
        : []),
      { cause: `the path in ${words.place} is not the one this user has rights for`, advice: ["check its spelling"] },
    ],
  };
}

/** 429: too many requests, for longer than anyone would wait. */
export function rateLimitedFinding(facts: FailureFacts): Finding | undefined {
  const { registry, host, words } = facts;
  if (registry?.code !== "RATE_LIMITED" && !says(facts, "TOOMANYREQUESTS")) return undefined;
  const { retryAfterMs } = (registry?.details ?? {}) as { readonly retryAfterMs?: number };
  const wait = retryAfterMs === undefined ? "wait a while" : `wait ${Math.ceil(retryAfterMs / 1000)} seconds`;
  return {
    class: "rate-limited",
    category: `the registry limits requests (429, ${host})`,
    causes: [
      { cause: "too many requests came from this address or this user", advice: [`${wait}, then ${words.again}`] },
      {
        cause: "who asks as nobody, or without a plan that pays, may ask less",
        advice: [words.login, "ask the registry's administrator for a larger share"],
      },
    ],
  };
}

/** A fault of the registry itself. */
export function serverErrorFinding(facts: FailureFacts): Finding | undefined {
  const { registry, host, words } = facts;
  if (registry?.code !== "SERVER_ERROR" && !says(facts, "UNAVAILABLE")) return undefined;
  const { status } = (registry?.details ?? {}) as { readonly status?: number };
  return {
    class: "server-error",
    category: `the registry has a fault of its own (${status === undefined ? host : `${status}, ${host}`})`,
    causes: [
      { cause: "it is overloaded, restarting, or being looked after", advice: [`wait a while, then ${words.again}`] },
      {
        cause:
          words.does === "write"
            ? "its storage is full, or refuses to be written"
            : "its storage, or a proxy before it, fails",
        advice: ["ask the registry's administrator to look at its log"],
      },
    ],
  };
}

/** The registry does not have the image, or says so to strangers. */
export function imageNotFoundFinding(facts: FailureFacts): Finding | undefined {
  const { registry, mirror, words } = facts;
  const isMissing = registry?.code === "NOT_FOUND" || mirror?.code === "IMAGE_NOT_FOUND";
  if (!isMissing || isRepository(facts)) return undefined;
  if (words.side === "target") {
    return {
      class: "image-not-found",
      category: "an image is not there",
      causes: [
        ...(words.readsBundle
          ? [
              {
                cause: "the bundle is not whole",
                advice: ["run `tranship verify` on it", "are all chunks of its archives here?"],
              },
            ]
          : []),
        { cause: "somebody deletes at the target meanwhile", advice: [words.again] },
      ],
    };
  }
  if (mirror?.code === "IMAGE_NOT_FOUND" && "isThere" in mirror.details) {
    return {
      class: "image-not-found",
      category: "nothing at the source is what was asked for",
      causes: [
        {
          cause: "the selection fits no tag or platform there is",
          advice: [
            "ask for one that is there",
            ...(words.hasAccessTimeout ? ["`tranship plan --explain` says of every tag why it is taken or not"] : []),
          ],
        },
      ],
    };
  }
  const where = facts.host === "" ? "" : ` at ${facts.host}`;
  return {
    class: "image-not-found",
    category: `the image was not found${where}`,
    causes: [
      {
        cause: "the tag is misspelt, or no longer there",
        advice: [
          "check the tag's spelling; tags are taken as the registry has them",
          ...(words.hasAccessTimeout ? ["`tranship plan --explain` shows what tags there are"] : []),
        ],
      },
      ...(words.writesBundle && !words.readsBundle
        ? [
            {
              cause: "it went since this pull was planned",
              advice: ["plan anew with --restart; bytes already here are used"],
            },
          ]
        : []),
      hidden(words),
    ],
  };
}

/** There is no such repository, or none we may see. */
export function repositoryNotFoundFinding(facts: FailureFacts): Finding | undefined {
  const { registry, words } = facts;
  if (registry?.code !== "NOT_FOUND" || !isRepository(facts)) return undefined;
  return {
    class: "repository-not-found",
    category: "the repository was not found",
    causes: [
      { cause: "the path is misspelt", advice: [`check the path in ${words.place}`] },
      words.side === "target"
        ? {
            cause: "this registry makes no repositories by itself",
            advice: ["make the repository or project first, in the registry's own interface"],
          }
        : hidden(words),
    ],
  };
}

/** Something answers, in HTTP, that is no registry. */
export function notRegistryFinding({ registry, host, words }: FailureFacts): Finding | undefined {
  if (registry?.code !== "PROTOCOL") return undefined;
  return {
    class: "not-a-registry",
    category: `the answer is not that of a registry (${host})`,
    causes: [
      {
        cause: "this is a web server, or a registry's web page, and not its API",
        advice: [`check host and port in ${words.place}: a place is written registry.example.com/deckhouse/fe`],
      },
      {
        cause: "a proxy or a login page answers in the registry's place",
        advice: [`look at what comes: \`curl -i https://${host === "" ? "HOST" : host}/v2/\``],
      },
    ],
  };
}

/** Any other status. */
export function requestRefusedFinding({ registry, host, words }: FailureFacts): Finding | undefined {
  if (registry?.code !== "UNEXPECTED_STATUS" && registry?.code !== "UNSUPPORTED") return undefined;
  const { status } = registry.details as { readonly status?: number };
  const because: PossibleCause =
    status === 413
      ? { cause: "a proxy before the registry takes no request of that size", advice: ["raise its limit on bodies"] }
      : {
          cause: "the registry does not do this, or not for this path",
          advice: [`check ${words.place}`, "`tranship doctor` shows what this registry does"],
        };
  return {
    class: "request-refused",
    category: `the registry refused the request (${status === undefined ? host : `${status}, ${host}`})`,
    causes: [because],
  };
}

function hidden({ login }: CommandWords): PossibleCause {
  return {
    cause: "registries hide from strangers what they may not see",
    advice: [login, "ask the registry's administrator for the right to read it"],
  };
}

/** What registries say of parts of a repository that is there. */
const ofContent = [
  "MANIFEST_UNKNOWN",
  "MANIFEST_BLOB_UNKNOWN",
  "BLOB_UNKNOWN",
  "BLOB_UPLOAD_UNKNOWN",
  "BLOB_UPLOAD_INVALID",
];

/** Whether it is the repository that is missing: as the registry says, or as who writes has to take anything else it says. */
function isRepository(facts: FailureFacts): boolean {
  if (says(facts, "NAME_UNKNOWN")) return true;
  return facts.words.side === "target" && !ofContent.some((code) => says(facts, code));
}

function says({ registry, reported }: FailureFacts, code: string): boolean {
  return registry !== undefined && reported.some((one) => one.code === code);
}
