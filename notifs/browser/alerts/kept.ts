/** What this browser keeps for all of its tabs; where it denies us that, or is full, what this page keeps for itself. */

const memory = new Map<string, string>();

/** What was kept under `key`, if that is an object; else nothing. */
export function read(key: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(memory.get(key) ?? localStorage.getItem(key) ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export function keep(key: string, value: object): void {
  const text = JSON.stringify(value);
  memory.set(key, text);
  try {
    localStorage.setItem(key, text);
    forget(key);
  } catch {
    // Then it is before what is kept there.
  }
}

/** Another tab has kept something newer. */
export function forget(key: string): void {
  memory.delete(key);
}
