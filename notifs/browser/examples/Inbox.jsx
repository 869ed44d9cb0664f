import { Connection, view } from "notifs/headless";
import { useEffect, useState, useSyncExternalStore } from "react";

export default function Inbox() {
  const [mailbox] = useState(() => new Connection({ base: "", transport: "socket" }));
  const shown = useSyncExternalStore((changed) => mailbox.on("change", changed), () => mailbox.shown);
  useEffect(() => {
    mailbox.open();
    return () => mailbox.close();
  }, [mailbox]);
  const markRead = (id) => mailbox.act("mark_read", [id]).catch((error) => alert(error.message));
  return (
    <section>
      <h2>Notifications <output>{shown.unread}</output></h2>
      <ul>
        {view(shown, { filter: "unread" }).map(({ id, title }) => (
          <li key={id}>{title} <button onClick={() => markRead(id)}>Mark as read</button></li>
        ))}
      </ul>
    </section>
  );
}
