internal import AsyncHTTPClient
internal import Crypto
internal import NIOPosix
internal import NIOHTTP1
