/** What the suites need of the wire: one request, its status and its body. */
export interface Answered {
  readonly status: number
  readonly body: any
}

export class Api {
  readonly address: string
  token: string

  constructor(address: string, token = '') {
    this.address = address
    this.token = token
  }

  async ask(method: string, path: string, body?: unknown, limitMs = 30_000): Promise<Answered> {
    const response = await fetch(`${this.address}/v1/${path}`, {
      method,
      headers: this.token === '' ? {} : { 'x-vault-token': this.token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(limitMs)
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? null : JSON.parse(text) }
  }

  /** As `ask`; anything but success is an error that says what was answered. */
  async must(method: string, path: string, body?: unknown): Promise<any> {
    const answered = await this.ask(method, path, body)
    if (answered.status >= 300) throw new Error(`${method} ${path}: ${answered.status} ${JSON.stringify(answered.body)}`)
    return answered.body
  }
}
