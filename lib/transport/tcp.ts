export { DEFAULT_TCP_OPTIONS, type TcpTransportOptions } from './tcp/options.js';
export type { Pem, TlsOptions, TlsSource } from './tcp/tls-options.js';
export { TcpTransport } from './tcp/transport.js';
