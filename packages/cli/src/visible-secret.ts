import type { Command } from "commander";
import type { Output } from "./print/output.ts";

/** Options whose value is a secret, by commander's names for them. */
const secrets: Readonly<Record<string, string>> = {
  registryPassword: "--registry-password",
  sourcePassword: "--source-password",
  license: "--license",
  proxy: "--proxy",
};

/** Says, once, that a secret written on the command line is seen by everybody who lists this machine's processes. */
export function warnOfVisibleSecret(command: Command, output: Output): void {
  const name = Object.keys(secrets).find(
    (one) => command.getOptionValueSource(one) === "cli" && isSecret(command, one),
  );
  if (name === undefined) return;
  const message =
    `others on this machine can see the value of ${secrets[name]} in its list of processes: ` +
    (name === "proxy"
      ? "leave the proxy to the variables HTTPS_PROXY and HTTP_PROXY"
      : "give the password with --registry-password-stdin or in the environment, or log in with docker or podman");
  output.event({ type: "warning.raised", code: "SECRET_VISIBLE", message });
}

/** The address of a proxy may hold a password, and mostly does not. */
function isSecret(command: Command, name: string): boolean {
  return name !== "proxy" || /:[^/@]+@/.test(String(command.getOptionValue(name)));
}
