import { run } from '@weir/adapters/network/run.js'

/** Packets that have come in by a device. */
export async function received(netns: string, device: string): Promise<number> {
  const said = await run('nsenter', [`--net=${netns}`, 'ip', '-s', '-j', 'link', 'show', device])
  const [link] = JSON.parse(said) as { readonly stats64: { readonly rx: { readonly packets: number } } }[]
  return link!.stats64.rx.packets
}
