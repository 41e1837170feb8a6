/** What the story needs of a database server, whichever it is. */
export interface DemoDatabase extends AsyncDisposable {
  /** As people call it: `PostgreSQL 18.4`. */
  readonly name: string
  readonly host: string
  readonly port: number
  readonly pluginName: string
  /** With the placeholders of the wire in it. */
  readonly connectionUrl: string
  readonly admin: { readonly user: string; readonly password: string }
  /** What a person would type to log in. */
  shell(username: string): string
  /** Logs in as an application would. Rejects with the server's own words. */
  connect(credential: { readonly username: string; readonly password: string }): Promise<DemoSession>
  /** Names of users that Mayfly made and that are still there. */
  usersLeft(): Promise<readonly string[]>
}

export interface DemoSession extends AsyncDisposable {
  /** Resolves when the server has ended it. */
  readonly ended: Promise<void>
  /** Who the server says we are, and its time. Rejects once it was ended. */
  whoAmI(): Promise<{ readonly user: string; readonly at: string }>
}
