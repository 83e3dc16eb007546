/** Text as HTML shows it: nothing in it is markup, in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  const names: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, "\uFFFD").replace(/[&<>"']/g, (character) => names[character] ?? "");
}

/** A value as JSON that may stand in a `<script>`: no text in it ends the element or begins a comment. */
export function escapeJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
