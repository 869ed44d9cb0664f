/** React has no types of its own, and the example is not written in TypeScript. */
declare module "react";
declare module "react-dom/client";
