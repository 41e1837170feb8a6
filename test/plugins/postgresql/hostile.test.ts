import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openDriver, soon } from './kit.ts'

const adminPassword = 'Canary-of-the-admin'

/** Somebody who listens where a database should: `serve` gets each connection. */
async function impostor(serve: (socket: Socket) => void, connect_timeout = 20) {
  const told: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => told.push(chunk))
    serve(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return { told: () => Buffer.concat(told).toString('latin1'), database: openDriver({ port, password: adminPassword, connect_timeout }) }
}

const message = (type: string, body: Buffer, bytes = body.length): Buffer => {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeUInt32BE(bytes + 4, 1)
  return Buffer.concat([head, body])
}
const number = (value: number): Buffer => {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value)
  return buffer
}
const authentication = (kind: number) => message('R', number(kind))
const ready = message('Z', Buffer.from('I'))

/** Writes as fast as the other side reads, until it does not any more. */
function pour(socket: Socket, chunk: Buffer): { readonly bytes: number } {
  const poured = { bytes: 0 }
  const write = () => {
    while (!socket.destroyed && socket.write(chunk)) poured.bytes += chunk.length
  }
  socket.on('drain', write)
  write()
  return poured
}

test('a server that asks for the password in clear text does not get it', async () => {
  const { told, database } = await impostor(socket => socket.once('data', () => socket.write(authentication(3))))
  await expect(database.check(soon())).rejects.toMatchObject({
    code: 'target_refused',
    message: 'the server is not trusted: it asks for a clear-text password'
  })
  expect(told()).toContain('mayfly')
  expect(told()).not.toContain(adminPassword)
})

test('rows without end are cut off, and so is an error of a gigabyte', async () => {
  const columns = Buffer.concat([Buffer.from([0, 1]), Buffer.from('standby\0'), Buffer.alloc(18)])
  const row = message('D', Buffer.concat([Buffer.from([0, 1]), number(60_000), Buffer.alloc(60_000, 'x')]))
  for (const [opening, flood] of [
    [message('T', columns), row],
    [message('E', Buffer.alloc(0), 1_000_000_000), Buffer.alloc(65_536, 'x')]
  ] as const) {
    let poured: { readonly bytes: number } = { bytes: 0 }
    const { database } = await impostor(socket => {
      socket.once('data', () => {
        socket.write(Buffer.concat([authentication(0), ready]))
        socket.once('data', () => {
          socket.write(opening)
          poured = pour(socket, flood)
        })
      })
    })
    await expect(database.check(soon())).rejects.toMatchObject({
      code: 'target_refused',
      message: 'the server is not trusted: an answer without end'
    })
    expect(poured.bytes).toBeLessThan(64 * 1024 * 1024)
  }
})

test('one byte at a time runs into the time limit', async () => {
  const { database } = await impostor(socket => {
    const timer = setInterval(() => socket.write('R'), 200)
    socket.on('close', () => clearInterval(timer))
  }, 2)
  await expect(database.check(soon())).rejects.toMatchObject({ code: 'target_unreachable' })
})

test('what does not speak PostgreSQL is refused, and its words are not repeated', async () => {
  const { database } = await impostor(socket =>
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\nsome words of theirs'))
  )
  const error = await database.check(soon()).catch((thrown: unknown) => thrown as Error)
  expect(error).toMatchObject({ name: 'BrokerError', code: expect.stringMatching(/^target_(refused|unreachable)$/) })
  expect((error as Error).message).not.toContain('theirs')
})

test('a server that hangs up is unreachable', async () => {
  const { database } = await impostor(socket => socket.destroy())
  await expect(database.check(soon())).rejects.toMatchObject({ code: 'target_unreachable' })
})
