import { type ExaminedCheck, examineRegistry, parsePlace, RegistryError } from "@tranship/registry";
import { Command, Option } from "commander";
import { withConfigFlags } from "../config/config-flags.ts";
import type { CliContext, RegistryFlags } from "../context.ts";
import { credentialSource } from "../credential-source.ts";
import { diagnose } from "../diagnosis/diagnose.ts";
import { checkRegistryFlags, withSourceAccessFlags } from "../flags/flags.ts";
import { type DiagnosedCheck, doctorTable } from "../print/doctor-table.ts";
import { UsageError } from "../usage-error.ts";

interface DoctorFlags extends RegistryFlags {
  readonly write?: boolean;
  readonly side: "source" | "target";
}

/** Exit codes of what was found: a warning is a finding, what will not work is a failure. */
const exitCodes = { ok: 0, warning: 3, failed: 1 } as const;

/** `tranship doctor`: what a registry does of what a mirror needs. */
export function doctorCommand(context: CliContext): Command {
  const command = new Command("doctor")
    .description("ask a registry what it does, one question after another, and say what each answer means")
    .argument("<registry>", "a registry, best with a path in it that will be read or written: HOST[/PATH]")
    .option("--write", "write a small image under a tag of its own, too, and delete it again where that is allowed")
    .addOption(
      new Option("--side <side>", "whose variables say who asks: those of pull, or those of push")
        .choices(["source", "target"])
        .default("target"),
    )
    .addHelpText("after", "\nEnds with 1 when something needed does not work, with 3 for warnings alone.");
  return withConfigFlags(withSourceAccessFlags(command)).action(async (text: string, flags: DoctorFlags) => {
    checkRegistryFlags(flags);
    const name = text.replace(/^registry:/, "");
    if (/^(?:bundle|oci):|^[./~]/.test(name)) throw new UsageError(`${text}: only a registry can be examined`);
    const { host, path } = parsePlace(name);
    await using registry = await context.registry(name, flags, flags.side);
    const { environment, signal, output } = context;
    const examination = await examineRegistry(registry, {
      write: flags.write,
      signal,
      findCredentials: (call) => credentialSource({ flags, environment, side: flags.side, host, path, ...call }),
    });
    const told = { ...examination, checks: examination.checks.map(withCauses) };
    const code = exitCodes[examination.status];
    if (code !== 0) context.exitWith(code);
    output.report("doctor", told, doctorTable(told));
  });
}

/** A check that failed, with what may have led to it where it says nothing itself. */
function withCauses(check: ExaminedCheck): DiagnosedCheck {
  const { status, code, reason, advice, details } = check;
  if (status !== "failed" || code === undefined || advice !== undefined) return check;
  const { class: kind, causes } = diagnose(new RegistryError(code, reason, (details ?? {}) as never), "doctor");
  return { ...check, class: kind, causes };
}
