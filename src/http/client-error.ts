import type { Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import type { Connections } from './connections.ts'

/** What Node's parser refuses never becomes a request: the answer is written here, by hand, and the connection ends. */
export function answerClientErrors(server: Server, connections: Connections, refused: () => void): void {
  server.on('clientError', (error: NodeJS.ErrnoException, stream: Duplex) => {
    const socket = stream as Socket
    refused()
    if (socket.writable && mayWrite(socket, connections)) socket.end(answerTo(error.code), () => socket.destroy())
    else socket.destroy()
  })
}

/** Not within a TLS handshake; and an answer of ours must not stand inside or before that to an earlier request. */
function mayWrite(socket: Socket, connections: Connections): boolean {
  const peer = connections.find(socket)
  return peer !== undefined && (peer.asked === 0 || (peer.asked === 1 && peer.response?.headersSent === false))
}

function answerTo(code: string | undefined): string {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return bare('431 Request Header Fields Too Large')
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return bare('413 Payload Too Large')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return bare('408 Request Timeout')
    case 'HPE_INVALID_HEADER_TOKEN':
      return withText('400 Bad Request', '400 Bad Request: invalid header value')
    case undefined:
    default:
      return bare('400 Bad Request')
  }
}

function bare(status: string): string {
  return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
}

function withText(status: string, text: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: ${text.length}\r\n\r\n${text}`
}
