import type { Constraint } from "./constraint.ts";

/** A constraint on one exact tag. */
export type ExactConstraint = Extract<Constraint, { readonly kind: "exact" }>;

/** A constraint on versions. */
export type SemverConstraint = Extract<Constraint, { readonly kind: "range" }>;

/** The exact tags among constraints, in their order. */
export function exactConstraintsOf(constraints: readonly Constraint[]): readonly ExactConstraint[] {
  return constraints.filter((constraint) => constraint.kind === "exact");
}

/** The ranges of versions among constraints, in their order. */
export function semverConstraintsOf(constraints: readonly Constraint[]): readonly SemverConstraint[] {
  return constraints.filter((constraint) => constraint.kind === "range");
}
