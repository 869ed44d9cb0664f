/** Why an act was refused or could not be sent. `code` is for programs, `message` is for people. */
export class ActError extends Error {
  override readonly name = "ActError";

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export const UNREACHABLE = new ActError("unreachable", "Could not reach the server.");
export const SIGNED_OUT = new ActError("signed_out", "You are signed out.");
