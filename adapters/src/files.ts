/*
 * Files beside the code. This module lies as deep as the bundle of the command line that it is part of, so that both find
 * the same.
 */

export const packageFile = new URL('../package.json', import.meta.url)

export const exampleShop = new URL('../../examples/shop', import.meta.url)

/** What container runtimes call, as it is built. */
export const cniPlugin = new URL('../weir-cni/build/weir-cni', import.meta.url)

/** The process of a client in the demo of services. */
export const clientScript = new URL('../dist/demo/services/client-child.js', import.meta.url)

/** The command line. */
export const commandScript = new URL('../bin/weir.mjs', import.meta.url)
