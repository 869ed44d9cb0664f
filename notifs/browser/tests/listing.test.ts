/** What an inbox lists while it is loaded: by several queries at once, and again once there is a server. */
import { expect, test } from "vitest";

import { UNREACHABLE } from "../core/errors";
import type { Connection, Status } from "../core/connection";
import { EMPTY } from "../core/state";
import type { Query } from "../core/wire";
import { Listing } from "../elements/listing";

class FakeConnection {
  status: Status = { name: "live" };
  readonly shown = EMPTY;
  readonly asked: { query: Query; answer: () => void; fail: (error: unknown) => void }[] = [];

  fetch(query: Query): Promise<void> {
    return new Promise((answer, fail) => this.asked.push({ query, answer, fail }));
  }
}

function listed(): [Listing, FakeConnection] {
  const connection = new FakeConnection();
  const host = { connection: connection as unknown as Connection, requestUpdate: () => undefined };
  return [new Listing(host as never), connection];
}

test("what is asked for next does not wait for what was asked for before, and nothing is asked for twice", async () => {
  const [listing, { asked }] = listed();
  for (const filter of ["all", "archived", "all"] as const) {
    listing.ask({ filter });
    void listing.load();
  }
  expect(asked.map(({ query }) => query.filter)).toEqual(["all", "archived"]);
  expect(listing.isLoading).toBe(true);
  asked[0]?.answer();
  await Promise.resolve();
  await Promise.resolve();
  expect(listing.isLoading).toBe(false);
  listing.ask({ filter: "archived" });
  expect(listing.isLoading).toBe(true);
});

test.each(["live", "polling"] as const)("what could not be loaded is tried again once the server is there, %s", async (name) => {
  const [listing, connection] = listed();
  const loading = listing.load();
  connection.asked[0]?.fail(UNREACHABLE);
  await loading;
  connection.status = { name: "reconnecting", retryAt: 0 };
  listing.forgetFailure();
  expect(listing.failure).not.toBeNull();
  connection.status = { name };
  listing.forgetFailure();
  expect(listing.failure).toBeNull();
});
