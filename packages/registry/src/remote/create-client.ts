import { createAuthenticator } from "./auth/create-authenticator.ts";
import { BytePacer } from "./byte-pacer.ts";
import { checkOptions } from "./check-options.ts";
import { dockerHubApiHost, isDockerHub } from "./credentials/docker-hub.ts";
import { createHostGate } from "./host-gate.ts";
import { HttpClient } from "./http-client.ts";
import type { RegistryOptions } from "./registry-options.ts";
import { defaultThrottleWaitMs } from "./retry.ts";
import { createTransport, originOf } from "./transport/create-transport.ts";
import type { HostOptions } from "./transport/host-options.ts";

const longestConnectMs = 10_000;

/**
 * The client of one host, put together from the options; nothing is asked of the host yet.
 * @throws as `createRegistry` does
 */
export function createClient(host: string, options: RegistryOptions): HttpClient {
  checkOptions(options);
  const { idleTimeoutMs = 60_000, attempts = 5, retryDelayMs = 500, userAgent = "tranship" } = options;
  const { throttleWaitMs = defaultThrottleWaitMs, credentials, limits = {}, onEvent } = options;
  const { meta = 8, down = 8, up = 4, bytesPerSecond } = limits;
  const hosts = options.hosts && withApiHosts(options.hosts);
  const origin = originOf(isDockerHub(host) ? dockerHubApiHost : host, options, hosts);
  const dispatcher = createTransport({
    origin,
    options,
    hosts,
    connections: meta + down + up,
    connectTimeoutMs: Math.min(longestConnectMs, idleTimeoutMs),
  });
  return new HttpClient({
    origin,
    dispatcher,
    lanes: (url) => dispatcher.laneTo(url),
    gate: createHostGate({ ...limits, meta, down, up }),
    bytePacer: bytesPerSecond === undefined ? undefined : new BytePacer(bytesPerSecond),
    authenticator: createAuthenticator({ host, origin, credentials, dispatcher, idleTimeoutMs, userAgent }),
    idleTimeoutMs,
    attempts,
    retryDelayMs,
    throttleWaitMs,
    userAgent,
    onEvent,
  });
}

/** What is said of Docker Hub by any of its names holds for the host its API is on. */
function withApiHosts(hosts: HostOptions): HostOptions {
  const entries = Object.entries(hosts);
  return Object.fromEntries(entries.map(([host, own]) => [isDockerHub(host) ? dockerHubApiHost : host, own]));
}
