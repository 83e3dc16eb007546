import * as z from "zod";
import type { ConnectionConfig, RegistryConfig } from "./config.ts";
import { credentialReference } from "./credential-schema.ts";
import { durationFault, proxyFault, sizeFault } from "./value-checks.ts";
import { checked, measure, text, together, yes } from "./values.ts";

const count = (description: string) => z.number().int().min(1).max(999).describe(description);
/** How any registry is reached. */
const reach = {
  timeout: checked(
    measure(),
    "How long a registry may send no byte, such as 90s or 4h; 60s unless told, 0 for ever.",
    durationFault,
  ).optional(),
  proxy: checked(
    z.union([z.string(), z.literal(false)]),
    "The HTTP proxy to go through; what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say unless told, false for none.",
    proxyFault,
  ).optional(),
  downloads: count("Blobs downloaded from a host at once; 8 unless told.").optional(),
  uploads: count("Blobs uploaded to a host at once; 4 unless told.").optional(),
  lookups: count("Small requests to a host at once, such as those for manifests; 8 unless told.").optional(),
  requestsPerSecond: z
    .number()
    .min(0.001)
    .max(999_999)
    .describe("Requests to a host begun in a second, at most.")
    .optional(),
  bytesPerSecond: checked(
    measure(),
    "Bytes to and from a host in a second, at most, such as 500KB or 10MB.",
    sizeFault,
  ).optional(),
  ca: text("Certificates to trust too, a PEM file.").optional(),
};

/** Schema of what holds for every registry. */
export const connectionSchema: z.ZodType<ConnectionConfig> = z
  .strictObject(reach)
  .describe("How every registry is reached, unless registries says otherwise of it.");

/** Schema of what holds for one registry. */
export const registrySchema: z.ZodType<RegistryConfig> = z
  .strictObject({
    credentials: credentialReference("Who asks this registry.").optional(),
    insecure: yes("Speaks plain HTTP, though it is not this machine.").optional(),
    tlsSkipVerify: yes("Does not check the certificate.").optional(),
    clientCert: text("The certificate to show, a PEM file; with clientKey.").optional(),
    clientKey: text("The private key of clientCert, a PEM file.").optional(),
    ...reach,
  })
  .superRefine(together("clientCert", "clientKey"))
  .describe("How this registry is reached, and who asks it.");
