import type { Command } from "commander";
import type { Output } from "./print/output.ts";

const password = {
  advice: "give the password with --registry-password-stdin or in the environment, or log in with docker or podman",
};

/** Options whose value is a secret, by commander's names for them, and what to do in their place. */
const secrets: Readonly<Record<string, { readonly flag: string; readonly advice: string }>> = {
  registryPassword: { flag: "--registry-password", ...password },
  sourcePassword: { flag: "--source-password", ...password },
  license: { flag: "--license", advice: "give it in the variable TRANSHIP_LICENSE_TOKEN" },
  proxy: { flag: "--proxy", advice: "leave the proxy to the variables HTTPS_PROXY and HTTP_PROXY" },
};

/** Says, once, that a secret written on the command line is seen by everybody who lists this machine's processes. */
export function warnOfVisibleSecret(command: Command, output: Output): void {
  const found = Object.entries(secrets).find(([name]) => {
    return command.getOptionValueSource(name) === "cli" && isSecret(command, name);
  });
  if (found === undefined) return;
  const { flag, advice } = found[1];
  const message = `others on this machine can see the value of ${flag} in its list of processes: ${advice}`;
  output.event({ type: "warning.raised", code: "SECRET_VISIBLE", message });
}

/** The address of a proxy may hold a password, and mostly does not. */
function isSecret(command: Command, name: string): boolean {
  return name !== "proxy" || /:[^/@]+@/.test(String(command.getOptionValue(name)));
}
