/** As much of the English words as build.ts leaves to each part. */
declare module "*/en.json?first" {
  const words: Readonly<Record<string, string>>;
  export default words;
}
declare module "*/en.json?alerting" {
  const words: Readonly<Record<string, string>>;
  export default words;
}
declare module "*/en.json?triage" {
  const words: Readonly<Record<string, string>>;
  export default words;
}
