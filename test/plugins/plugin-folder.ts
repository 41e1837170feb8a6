import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { Api } from '../crash/api.ts'

const main = join(import.meta.dirname, '../../src/main.ts')

/** An empty folder outside the clone, with a configuration and what a third party puts beside it; and the real program started on it. */
export class PluginFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'mayfly-plugin-'))

  put(file: string, text: string): void {
    mkdirSync(dirname(join(this.path, file)), { recursive: true })
    writeFileSync(join(this.path, file), text)
  }

  /** What it says and its exit code, for a configuration that must not start. */
  async refused(...plugins: readonly string[]): Promise<{ readonly code: number | null; readonly said: string }> {
    const server = this.#start(plugins)
    // One that serves after all has failed the test, and must not stay.
    void server.served.then(
      () => server.child.kill(),
      () => undefined
    )
    return server.ended
  }

  async serve(...plugins: readonly string[]): Promise<{ readonly api: Api; said(): string } & AsyncDisposable> {
    const server = this.#start(plugins)
    const api = new Api(`http://127.0.0.1:${await server.served}`)
    api.token = (await api.must('PUT', 'sys/init', {})).root_token
    return {
      api,
      said: server.said,
      async [Symbol.asyncDispose]() {
        server.child.kill()
        await server.ended
      }
    }
  }

  #start(plugins: readonly string[]) {
    const listener = { address: '127.0.0.1:0', tls: 'off' }
    this.put('mayfly.yaml', JSON.stringify({ listener, storage: { memory: {} }, seal: { key_file: './seal.key' }, plugins }))
    const child = spawn(process.execPath, [main, 'server', '--config', 'mayfly.yaml'], {
      cwd: this.path,
      stdio: ['ignore', 'pipe', 'pipe']
    })
    let said = ''
    const ended = new Promise<{ code: number | null; said: string }>(resolve => child.once('close', code => resolve({ code, said })))
    const served = new Promise<number>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (data: Buffer) => {
          said += data.toString()
          const port = /"port":(\d+).*"mayfly serves"/.exec(said)?.[1]
          if (port) resolve(Number(port))
        })
      void ended.then(() => reject(new Error(`it ended before it served:\n${said}`)))
    })
    return { child, ended, served, said: () => said }
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
