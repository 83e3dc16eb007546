import type { Finding } from "./diagnosis.ts";
import type { FailureFacts } from "./failure-facts.ts";

const endedEarly = new Set([
  "UND_ERR_SOCKET",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
  "HPE_INVALID_EOF_STATE",
  "UNEXPECTED_EOF",
]);
const unresolved = new Set(["ENOTFOUND", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA", "EAI_NONAME"]);

/** What the client calls what it cannot do where the address of a proxy is none. */
const useProxy = "use a proxy";

const unreachableProxy: Omit<Finding, "class"> = {
  category: "the proxy cannot be reached",
  causes: [
    {
      cause: "its address is wrong, or it does not run",
      advice: ["check host and port in --proxy, or in HTTPS_PROXY and HTTP_PROXY"],
    },
    {
      cause: "the registry is reached without a proxy",
      advice: ["give --no-proxy, or let NO_PROXY name the registry"],
    },
  ],
};

/** What the proxy itself is the reason of, by the client's reason. */
const proxyCauses: Readonly<Record<string, Omit<Finding, "class">>> = {
  PROXY_UNREACHABLE: unreachableProxy,
  PROXY_TIMEOUT: unreachableProxy,
  PROXY_AUTH_REQUIRED: {
    category: "the proxy did not let us through",
    causes: [
      {
        cause: "the proxy wants a user name and a password, or other ones",
        advice: ["write them into HTTPS_PROXY: http://NAME:PASSWORD@HOST:PORT"],
      },
    ],
  },
  [useProxy]: {
    category: "the proxy's address cannot be used",
    causes: [
      {
        cause: "it is not that of an HTTP proxy",
        advice: ["write HTTPS_PROXY and HTTP_PROXY as http://HOST:PORT; SOCKS is not spoken", "or give --no-proxy"],
      },
    ],
  },
};

/** The connection, or the answer, ended before all of it had come. */
export function connectionEndedFinding({ registry, reasons, host, words }: FailureFacts): Finding | undefined {
  if (registry?.code !== "NETWORK" || ![...reasons].some((reason) => endedEarly.has(reason))) return undefined;
  return {
    class: "connection-ended",
    category: `the connection ended early${of(host)}`,
    causes: [
      { cause: "the registry, or a device on the way, closed the connection", advice: [words.again] },
      {
        cause: "a proxy cuts long transfers or changes them",
        advice: ["try without HTTPS_PROXY and HTTP_PROXY, or let NO_PROXY name the registry"],
      },
    ],
  };
}

/** The name resolves to nothing here. */
export function dnsFinding({ registry, reasons, host, words }: FailureFacts): Finding | undefined {
  if (registry?.code !== "NETWORK" || ![...reasons].some((reason) => unresolved.has(reason))) return undefined;
  return {
    class: "dns",
    category: `the host name could not be resolved: ${hostName(host)}`,
    causes: [
      { cause: "the name is misspelt", advice: [`check the host in ${words.place}`] },
      {
        cause: "this machine's name server does not know it",
        advice: [`try \`getent hosts ${hostName(host)}\`, and check /etc/resolv.conf or a VPN`],
      },
      {
        cause: "names of the outside are resolved by a proxy here",
        advice: ["set HTTPS_PROXY to the proxy's address"],
      },
    ],
  };
}

/** Nothing came in time. */
export function timeoutFinding(facts: FailureFacts): Finding | undefined {
  const { registry, mirror, reasons, errors, host, words } = facts;
  const isTimeout = registry?.code === "TIMEOUT" || reasons.has("ETIMEDOUT");
  if (!isTimeout && !errors.some(({ name }) => name === "TimeoutError")) return undefined;
  const isCatalog = mirror?.code === "TRANSFER_FAILED" && "catalog" in mirror.details;
  return {
    class: "timeout",
    category: `no answer in time${of(host)}`,
    causes: [
      {
        cause: "the registry is slow or busy",
        advice: [
          ...(isCatalog && words.hasAccessTimeout
            ? ["--access-timeout SECONDS waits longer for a catalog; 0 waits for ever"]
            : []),
          "--timeout waits longer for the next byte, such as --timeout 10m",
          words.again,
        ],
      },
      {
        cause: "a firewall drops what is sent there",
        advice: [`check host and port in ${words.place}, and the way there: ${lookAt(facts)}`],
      },
    ],
  };
}

/** The proxy, not the registry, stands in the way. */
export function proxyFinding({ registry, reasons, words }: FailureFacts): Finding | undefined {
  const { operation } = (registry?.details ?? {}) as { readonly operation?: unknown };
  const isUnusable = registry?.code === "UNSUPPORTED" && operation === useProxy;
  const reason = isUnusable ? useProxy : [...reasons].find((one) => one.startsWith("PROXY_"));
  if (reason === undefined || !(isUnusable || registry?.code === "NETWORK" || registry?.code === "TIMEOUT"))
    return undefined;
  const told = proxyCauses[reason];
  if (told) return { class: "proxy", ...told };
  return {
    class: "proxy",
    category: "the proxy did not let us through",
    causes: [
      {
        cause: "the proxy cannot or may not reach the registry",
        advice: [`check ${words.place}, and ask who runs the proxy`, "or let NO_PROXY name the registry"],
      },
    ],
  };
}

/** Any other failure of the network: refused, reset, unreachable. */
export function networkFinding(facts: FailureFacts): Finding | undefined {
  const { registry, reasons, errors, host, words } = facts;
  if (registry?.code !== "NETWORK") return undefined;
  const where = addressOf(errors) ?? host;
  const about = `${where === "" ? "" : ` (${where})`}`;
  if (reasons.has("ECONNREFUSED")) {
    return {
      class: "network",
      category: `the connection was refused${about}`,
      causes: [
        {
          cause: "nothing listens there",
          advice: [
            `check host and port in ${words.place}`,
            `is the ${fileOf(facts) === undefined ? "registry" : "server"} running?`,
          ],
        },
        {
          cause: "a firewall turns connections down",
          advice: [`try ${lookAt(facts)} from here`],
        },
        ...(/:\d+$/.test(host)
          ? [] // nothing listens at that port for plain HTTP either
          : [{ cause: "the registry speaks plain HTTP, on port 80", advice: ["allow that with --insecure"] }]),
      ],
    };
  }
  if (reasons.has("ECONNRESET") || reasons.has("EPIPE")) {
    return {
      class: "network",
      category: `the connection was reset${about}`,
      causes: [
        { cause: "the registry was restarted, or a device on the way cut in", advice: [words.again] },
        { cause: "a firewall or proxy turns the connection down", advice: ["check HTTPS_PROXY and NO_PROXY"] },
      ],
    };
  }
  return {
    class: "network",
    category: `the registry cannot be reached${about}`,
    causes: [
      {
        cause: "there is no way to this address from here",
        advice: ["check the network, its routes and any VPN", `check host and port in ${words.place}`],
      },
      { cause: "the network was away for a while", advice: [words.again] },
    ],
  };
}

/** The address and port that the system names. */
function addressOf(errors: readonly Error[]): string | undefined {
  for (const error of errors) {
    const { address, port } = error as { readonly address?: unknown; readonly port?: unknown };
    if (typeof address !== "string" || typeof port !== "number") continue;
    return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  }
  return undefined;
}

function of(host: string): string {
  return host === "" ? "" : ` (${host})`;
}

/** A command that asks what was asked: a file of a web server, else the registry. */
function lookAt(facts: FailureFacts): string {
  const file = fileOf(facts);
  if (file === undefined) return `\`curl -v https://${hostOr(facts.host)}/v2/\``;
  return /^https?:\/\/[\w.:[\]/%~+-]+$/.test(file) ? `\`curl -v ${file}\`` : "`curl -v` and its address";
}

/** The address of the file of a web server that could not be fetched. */
function fileOf({ deps }: FailureFacts): string | undefined {
  const { url } = (deps?.details ?? {}) as { readonly url?: unknown };
  return typeof url === "string" && /^https?:/.test(url) ? url : undefined;
}

function hostOr(host: string): string {
  return host === "" ? "HOST" : host;
}

function hostName(host: string): string {
  return hostOr(host).replace(/:\d+$/, "");
}
