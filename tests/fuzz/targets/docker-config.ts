import { isRegistryError } from "@tranship/registry";
import { credentialsOfEntry } from "../../../packages/registry/src/remote/credentials/auth-entry.ts";
import { parseAuthKey } from "../../../packages/registry/src/remote/credentials/auth-key.ts";
import { parseDockerConfig } from "../../../packages/registry/src/remote/credentials/docker-config.ts";
import { jsonParts } from "./json-input.ts";
import { require, requireDecent } from "./oracle.ts";
import { bytesOfInput, type FuzzTarget } from "./target.ts";

/** Stands for all secrets in kept inputs: no message may show it. */
const secret = "hunter2";

/** The `config.json` of docker and the `auth.json` of podman. */
export const dockerConfigTarget: FuzzTarget = {
  name: "docker-config",
  what: "`config.json` of docker, `auth.json` of podman",
  maxLength: 512 * 1024,
  ...jsonParts("bytes", [
    "auths",
    "auth",
    "username",
    "password",
    "identitytoken",
    "registrytoken",
    "credHelpers",
    "credsStore",
    "https://index.docker.io/v1/",
    "registry.example.com",
    "dXNlcjpodW50ZXIy",
    secret,
  ]),
  judge: (input) => {
    try {
      const config = parseDockerConfig(bytesOfInput(input), "config.json");
      for (const [key, entry] of Object.entries(config.auths ?? {})) {
        const { host, path } = parseAuthKey(key);
        require(!host.includes("/") && !path.startsWith("/"), `the key ${JSON.stringify(key)} is of ${host}`);
        const credentials = credentialsOfEntry(entry, "config.json");
        if (credentials && "username" in credentials)
          require(!credentials.username?.includes(":"), "a colon in a name");
      }
      return true;
    } catch (error) {
      if (!isRegistryError(error, "CREDENTIALS_UNUSABLE")) throw error;
      requireDecent(error.message);
      require(!error.message.includes(secret) && error.cause === undefined, "a message shows a piece of the file");
      return false;
    }
  },
};
