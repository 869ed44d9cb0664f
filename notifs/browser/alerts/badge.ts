/** How many are new, where people see it without looking at the page: its title, its icon, the installed app's icon. */

type App = Navigator & { setAppBadge?: (count?: number) => Promise<void>; clearAppBadge?: () => Promise<void> };

interface Told {
  readonly count: number;
  readonly words: string;
  readonly icon: string | null;
}

const NOTHING: Told = { count: 0, words: "", icon: null };

/** A bell's part in it. A page has one title and may have several bells: the first that has something new is shown. */
export class Badge {
  /** `icon` is shown instead of the page's own while there is something new; null to leave that alone. */
  show(count: number, words: string, icon: string | null): void {
    if (count > 0) news.set(this, { count, words, icon });
    else news.delete(this);
    const [first = NOTHING] = news.values();
    page.show(first);
  }
}

class Page {
  private prefix = "";
  /** What we have put in the place of the page's own icon, and what that was. */
  private iconOurs: string | null = null;
  private iconWas: string | null = null;
  /** Pages change their titles. */
  private readonly watcher = new MutationObserver(() => this.entitle());

  show({ count, words, icon }: Told): void {
    this.retitle(count > 0 ? `(${words}) ` : "");
    this.exchange(count > 0 ? icon : null);
    const app: App = navigator;
    const number = /^\d+$/.test(words) ? count : undefined;
    const told = count > 0 ? app.setAppBadge?.(number) : app.clearAppBadge?.();
    told?.catch(() => undefined); // a document that may not
  }

  private retitle(prefix: string): void {
    this.watcher.disconnect();
    const { title } = document;
    const own = title.startsWith(this.prefix) ? title.slice(this.prefix.length) : title;
    this.prefix = prefix;
    if (title !== prefix + own) document.title = prefix + own;
    if (prefix !== "") this.watcher.observe(document.head, { childList: true, subtree: true, characterData: true });
  }

  private entitle(): void {
    if (!document.title.startsWith(this.prefix)) document.title = this.prefix + document.title;
  }

  private exchange(icon: string | null): void {
    const link = document.querySelector<HTMLLinkElement>('link[rel~="icon"]');
    if (link === null) return;
    const is = link.getAttribute("href");
    if (is !== this.iconOurs) this.iconWas = is; // pages change that as well
    this.iconOurs = icon;
    const href = icon ?? this.iconWas;
    if (href !== null && is !== href) link.setAttribute("href", href);
  }
}

/** By bell, what is new. */
const news = new Map<Badge, Told>();
const page = new Page();
