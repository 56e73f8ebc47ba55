import type { BackendTarget } from '../event/service.js'

/** A text for each target: `10.0.0.1:80/TCP`, `[fd00::1]:80/TCP`, `pod shop/web-0`. */
export function backendTargetText(target: BackendTarget): string {
  if (target.kind === 'pod') return `pod ${target.namespace}/${target.name}`
  return socketText(target.address, target.port, target.protocol)
}

/** `10.0.0.1:80/TCP`, `[fd00::1]:80/TCP`. */
export const socketText = (address: string, port: number, protocol: string): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}/${protocol}`
