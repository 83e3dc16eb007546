import { type ServerProgram, startServerProgram } from "./server-program.ts";

/**
 * Starts olareg from where {@link goTool} built it. It keeps each repository as an OCI image layout, and speaks all of
 * distribution-spec 1.1: the referrers API, deletes, sha512.
 */
export async function startOlareg(program: string): Promise<ServerProgram> {
  return await startServerProgram(program, ({ port, directory }) => [
    "serve",
    ...["--addr", "127.0.0.1", "--port", String(port), "--dir", directory],
    ...["--api-delete", "--api-blob-delete"],
    ...["--gc-frequency", "-1s"], // it would take away what a test has not named yet
  ]);
}
