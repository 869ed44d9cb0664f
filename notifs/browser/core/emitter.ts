/** Typed events without the DOM. */
export class Emitter<Events extends object> {
  private readonly listeners: { [Name in keyof Events]?: Set<(event: Events[Name]) => void> } = {};

  /** Returns the way to stop listening. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const listening = (this.listeners[name] ??= new Set());
    listening.add(listener);
    return () => listening.delete(listener);
  }

  /** What a listener throws is the page's to hear of; those who listen beside it, and we, go on. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of [...(this.listeners[name] ?? [])]) {
      try {
        listener(event);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
