/** Says on a page of ours that it is a copy, which the worker has kept: until there is a server again. */
import type { Connection } from "../core/connection";
import { locale, t } from "../words";

export function sayCopy(connection: Connection): () => void {
  const { kept } = document.documentElement.dataset;
  const main = document.querySelector("main");
  if (kept === undefined || main === null) return () => undefined;
  const time = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(kept));
  const line = document.createElement("p");
  line.className = "told copy";
  line.role = "status";
  line.textContent = t("offline.copy", { time });
  main.prepend(line);
  return connection.on("change", () => {
    if (connection.status.name === "live" || connection.status.name === "polling") line.remove();
  });
}
