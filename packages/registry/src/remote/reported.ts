import { isRegistryError, type RegistryError } from "../errors.ts";

/** Whether a registry answered with this status, where that has no code of its own. */
export function isStatus(error: unknown, status: number): error is RegistryError<"UNEXPECTED_STATUS"> {
  return isRegistryError(error, "UNEXPECTED_STATUS") && error.details.status === status;
}

/** Answers of a server, or of something before it, that does not know the method: they say nothing about what was asked for. */
export const unknownMethod: readonly number[] = [405, 501];

/** Whether a registry's own `errors[]` name one of `codes`. @see distribution-spec v1.1.1, "Error Codes" */
export function reports(error: RegistryError, ...codes: readonly string[]): boolean {
  const { errors } = error.details as { readonly errors?: readonly { readonly code: string }[] };
  return errors?.some(({ code }) => codes.includes(code)) ?? false;
}
