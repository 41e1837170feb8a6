import { PrivateFile } from './private-file.ts'

/** Files of one program, by path. All are gone at the end. */
export class PrivateFiles implements Disposable {
  readonly #files = new Map<string, PrivateFile>()

  /** Those that are known beforehand are looked at beforehand. */
  constructor(paths: readonly string[]) {
    for (const path of paths) this.#claim(path)
  }

  write(texts: ReadonlyMap<string, string>): void {
    for (const [path, text] of texts) this.#claim(path).write(text)
  }

  #claim(path: string): PrivateFile {
    const file = this.#files.get(path) ?? new PrivateFile(path)
    this.#files.set(path, file)
    return file
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file[Symbol.dispose]()
  }
}
