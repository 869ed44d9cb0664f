/** What is made of some things, and made again only when one of them is another one. */
export class Memo<Made> {
  private made: { readonly of: readonly unknown[]; readonly value: Made } | null = null;

  get(of: readonly unknown[], make: () => Made): Made {
    const { made } = this;
    if (made !== null && of.every((each, n) => each === made.of[n])) return made.value;
    this.made = { of, value: make() };
    return this.made.value;
  }
}
