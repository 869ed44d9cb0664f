export * from "./types/headless";
