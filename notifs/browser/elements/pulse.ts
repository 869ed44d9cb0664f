/** A bell that stirs when something arrives. */

export function pulse(bell: HTMLElement): void {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const scale = ["none", "scale(1.12)", "none"].map((transform) => ({ transform }));
  if (!still) bell.shadowRoot?.querySelector(".bell .icon")?.animate(scale, { duration: 160, easing: "ease-out" });
}
