import { be32, bytes, join, type Payload, tcp } from './frames.js'

/** A TCP segment with numbers of its own and no data. */
export function segment(from: number, to: number, flag: number, sequence: number, acknowledged: number): Payload {
  const { protocol, render } = tcp(from, to, flag)
  const body = render(() => bytes()).slice()
  body.set([...be32(sequence), ...be32(acknowledged)], 4)
  body.set([0, 0, 0, 0, 0, 0], 14)
  return { protocol, render: pseudo => tcpSummed(body, pseudo(body.length)) }
}

function tcpSummed(body: Uint8Array, pseudo: Uint8Array): Uint8Array {
  const whole = join(pseudo, body)
  let sum = 0
  for (let i = 0; i < whole.length; i += 2) sum += whole[i]! * 256 + whole[i + 1]!
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  const copy = body.slice()
  copy.set([(~sum >> 8) & 255, ~sum & 255], 16)
  return copy
}
