import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startTestRegistry } from "@tranship/registry/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { PullProgress } from "../../packages/core/src/rootfs/progress/pull-progress.ts";
import { DockerCli } from "../../packages/core/src/rootfs/source/modes/docker-cli.ts";
import { saveDockerImage } from "../../packages/core/src/rootfs/source/modes/save-docker.ts";
import { prepareLocalSource, prepareSource } from "../../packages/core/src/rootfs/source/prepare-source.ts";
import type { SourceSpec } from "../../packages/core/src/rootfs/source/source.ts";
import { ProgramFolder } from "../support/program-folder.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";

const digest = `sha256:${"d".repeat(64)}`;
const image = { Id: `sha256:${"1".repeat(64)}`, RepoDigests: [`a.io/b@${digest}`], Os: "linux", Architecture: "amd64" };
const linux = { os: "linux", architecture: "amd64" };

/** Like the client, as far as it is asked: `has` is there when the image is. */
const client = `
config=
if [ "$1" = --config ]; then config=$2; shift 2; fi
case "$1 $2" in
"image inspect")
  if [ -e "$HERE/has" ]; then cat "$HERE/image.json"; exit; fi
  echo "[]"; echo "Error response from daemon: No such image: it" >&2; exit 1 ;;
"image rm") rm "$HERE/has" ;;
"image save") cat "$HERE/archive"; . "$HERE/saving" ;;
login*) cat > "$HERE/password"; ls -ld "$config" | cut -c1-10 > "$HERE/mode"; cp "$config/config.json" "$HERE" ;;
pull*) . "$HERE/pulling"; touch "$HERE/has" ;;
*) exit 99 ;;
esac`;

/** An image that only the `docker` program can get at. */
function program({ pulling = "", saving = "" }: { pulling?: string; saving?: string } = {}) {
  const programs = new ProgramFolder().add("docker", client);
  programs.write("image.json", JSON.stringify([image]));
  programs.write("pulling", pulling);
  programs.write("saving", saving);
  programs.write("archive", "an archive");
  const environment = { ...programs.environment, DOCKER_HOST: "unix:///nowhere/docker.sock" };
  const spec: SourceSpec = { imageRef: "docker://a.io/b:c", mode: "docker", platform: linux, environment };
  return { programs, spec };
}

const withoutConfig = (calls: readonly string[]) =>
  calls.map((call) => call.replace(/^--config\|[^|]*\|/, "--config|"));

describe.skipIf(process.platform === "win32")("where no daemon answers, the docker program is asked", () => {
  let temporary = "";
  beforeEach(() => {
    temporary = tempFolder();
    vi.stubEnv("TMPDIR", temporary);
  });
  afterEach(() => void vi.unstubAllEnvs());
  const left = () => readdirSync(temporary).filter((name) => name.startsWith("cubemaster-"));

  test("an image it has is not pulled, and stays", async () => {
    const { programs, spec } = program();
    programs.write("has", "");
    const source = await prepareSource({ ...spec, registryPassword: "s3cret" });
    expect(source.digest).toBe(`a.io/b@${digest}`);
    await source.cleanup();
    expect(programs.calls).toEqual(["image|inspect|--|a.io/b:c"]);
  });

  test("an image it lacks is pulled with credentials of its own, and taken back, not by force", async () => {
    const { programs, spec } = program({ pulling: "echo ba9876543210: Waiting; echo 0123456789ab: Pull complete" });
    const told: PullProgress[] = [];
    const source = await prepareSource({
      ...spec,
      registryUsername: "-v",
      registryPassword: "s3cret",
      onPullProgress: (progress) => told.push(progress),
    });
    expect(told.at(-1)).toMatchObject({ totalLayers: 2, completedLayers: 1, percent: 50, totalBytes: 0 });
    expect(left()).toEqual([]);
    await source.cleanup();
    await source.cleanup();
    expect(withoutConfig(programs.calls)).toEqual([
      "image|inspect|--|a.io/b:c",
      "--config|login|-u|-v|--password-stdin|--|a.io",
      "--config|pull|--platform=linux/amd64|--|a.io/b:c",
      "image|inspect|--|a.io/b:c",
      "image|rm|--|a.io/b:c",
    ]);
    expect(readFileSync(join(programs.path, "password"), "utf8")).toBe("s3cret");
    expect(readFileSync(join(programs.path, "mode"), "utf8")).toBe("drwx------\n");
  });

  test("the host to log in to is Docker Hub for a name without one, whatever its tag", async () => {
    const { programs, spec } = program();
    await prepareSource({ ...spec, imageRef: "nginx:1.27", registryPassword: "s3cret" });
    expect(withoutConfig(programs.calls)[1]).toBe("--config|login|-u||--password-stdin|--|docker.io");
  });

  const babble = "head -c 2097152 /dev/zero | tr '\\0' x";
  test("a pull that fails tells the end of what was said, and leaves no credentials", async () => {
    const { programs, spec } = program({ pulling: `${babble}; echo; echo no luck >&2; exit 1` });
    const failure = await prepareSource({ ...spec, registryPassword: "s3cret" }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "TOOL_FAILED", message: expect.stringContaining("no luck") });
    expect((failure as { details: { output: string } }).details.output.length).toBeLessThanOrEqual(256 * 1024);
    expect(JSON.stringify(failure)).not.toContain("s3cret");
    expect(left()).toEqual([]);
    expect(programs.calls.filter((call) => call.startsWith("image|rm"))).toEqual([]);
  });

  test("an endless line of a pull holds nothing up", async () => {
    const { spec } = program({ pulling: babble });
    const onPullProgress = vi.fn();
    await prepareSource({ ...spec, onPullProgress });
    expect(onPullProgress).not.toHaveBeenCalled();
  });

  test("an abort ends the pull with its reason, and leaves no credentials", async () => {
    const { spec } = program({ pulling: "echo 0123456789ab: Waiting; sleep 600" });
    const abort = new AbortController();
    const onPullProgress = () => abort.abort(new Error("enough"));
    const preparing = prepareSource({ ...spec, registryPassword: "s3cret", onPullProgress }, { signal: abort.signal });
    await expect(preparing).rejects.toThrow("enough");
    expect(left()).toEqual([]);
  });

  test("to do something again, nothing is pulled", async () => {
    const { programs, spec } = program();
    await expect(prepareLocalSource(spec)).rejects.toThrow(/needs the image it was made of/);
    expect(programs.calls).toEqual(["image|inspect|--|a.io/b:c"]);
  });

  test.for([
    {
      what: "finds no daemon either",
      script: "echo 'Cannot connect to the Docker daemon at x' >&2; exit 1",
      code: "DAEMON_FAILED",
    },
    { what: "fails otherwise", script: "echo 'permission denied' >&2; exit 1", code: "TOOL_FAILED" },
    { what: "says what is no image", script: "echo '[{}]'", code: "TOOL_UNFIT" },
    { what: "says too much", script: "head -c 9000000 /dev/zero", code: "TOOL_UNFIT" },
  ])("a program that $what is no daemon", async ({ script, code }) => {
    const { programs, spec } = program();
    programs.add("docker", script);
    await expect(prepareSource(spec)).rejects.toMatchObject({ code });
    expect(programs.calls).toHaveLength(1);
  });

  test.for([
    { saving: "", ending: 10 },
    { saving: "echo no luck >&2; exit 1", ending: expect.objectContaining({ code: "TOOL_FAILED" }) },
    { saving: "sleep 600", ending: expect.objectContaining({ code: "TOOL_FAILED" }) },
  ])("it saves the image to a file, which is there only whole: $saving", async ({ saving, ending }) => {
    const { programs, spec } = program({ saving });
    programs.write("has", "");
    const file = join(programs.path, "image.tar");
    const saved = saveDockerImage(await prepareSource(spec), file, {
      idleTimeoutMs: saving === "sleep 600" ? 50 : 60_000,
    });
    expect(await saved.catch((error: unknown) => error)).toEqual(ending);
    if (saving === "") expect(programs.calls.at(-1)).toBe(`image|save|--|${image.Id}`);
    expect(existsSync(file)).toBe(saving === "");
  });

  const missing = lacking("docker");
  test.skipIf(missing.length > 0)("the real program takes such a login", async () => {
    await using registry = await startTestRegistry({
      auth: { scheme: "basic", credentials: { username: "-v", password: "s3cret" } },
    });
    const environment = { PATH: process.env.PATH, HOME: temporary, DOCKER_HOST: "unix:///nowhere/docker.sock" };
    const pull = (password: string) =>
      new DockerCli(environment).pull(
        { reference: `${registry.host}/a:b`, platform: undefined, credentials: { username: "-v", password } },
        { onProgress: () => {} },
      );
    await expect(pull("s3cret")).rejects.toMatchObject({ details: { step: `pull image ${registry.host}/a:b` } });
    await expect(pull("wrong")).rejects.toMatchObject({ details: { step: `log in to ${registry.host}` } });
    expect(left()).toEqual([]);
  });
});
