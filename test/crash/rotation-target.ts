/** A server with an admin account and a user `static_app`, whose passwords the broker changes. */
export interface RotationServer extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** The fields of the connection `app`, which reaches the server over a proxy. */
  connection(proxy: { readonly host: string; readonly port: number }): Readonly<Record<string, string>>
  /** Rejects when the server does not let the user in. */
  logIn(as: { readonly user: string; readonly password: string }): Promise<unknown>
}

export interface RotationTarget {
  open(): Promise<RotationServer>
  /** The words that change the password, of the admin account and of the user. */
  readonly changes: Readonly<Record<'rotate-root' | 'rotate-role', RegExp>>
}
