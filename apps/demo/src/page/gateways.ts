/** The gateways, by the names that the page gives them. */
export class Gateways {
  readonly urls: readonly string[];

  constructor(urls: readonly string[]) {
    this.urls = urls;
  }

  nameOf(url: string): string {
    return `gateway ${this.urls.indexOf(url) + 1}`;
  }

  /** A supervised process, as the page names it: `gateway-3001` is the second gateway. */
  programName(program: string): string {
    const [kind, id] = program.split('-') as [string, string];
    const index = this.urls.findIndex((url) => new URL(url).port === id);
    return kind === 'gateway' && index >= 0 ? `gateway ${index + 1}` : `${kind} ${id}`;
  }

  urlOf(program: string): string | undefined {
    return this.urls.find((url) => program === `gateway-${new URL(url).port}`);
  }
}
