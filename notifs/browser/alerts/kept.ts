/** What this browser keeps for all of its tabs; where it denies us that, what this page keeps for itself. */

const memory = new Map<string, string>();

/** What was kept under `key`, if that is an object; else nothing. */
export function read(key: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(storage()?.getItem(key) ?? memory.get(key) ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export function keep(key: string, value: object): void {
  const text = JSON.stringify(value);
  try {
    storage()?.setItem(key, text);
  } catch {
    memory.set(key, text); // it is full
  }
  if (storage() === null) memory.set(key, text);
}

function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
