/// Texts in the Huffman code, as the Python package hpack 4.2 wrote them.
struct HuffmanSample: Sendable {
  let text: [UInt8]
  let coded: String

  static let all: [HuffmanSample] = [
    HuffmanSample(text: [], coded: ""),
    HuffmanSample(
      text: Array("grpc-status; application/grpc+proto".utf8),
      coded: "9acac8b21234da8fb5075d741883498f531359593fdd761d27"),
    HuffmanSample(
      text: Array(0...255),
      coded: "ffc7fffd8fffffe2fffffe3fffffe4fffffe5fffffe6fffffe7fffffe8ffffeafffffff3fffffa7fffffabff"
        + "ffffdfffffebfffffecfffffedfffffeefffffefffffff0ffffff1ffffff2fffffffbfffffcffffffd3fffff"
        + "d7fffffdbfffffdffffffe3fffffe7fffffebfffffed4fe3f9ffaffcabf1febfafefe7fdfd2cbb00089969b7"
        + "1d79fb9f7fff20ffbff3ff50ddbd7f061c58f265cd9f469d5af66dddbf871e5f9cff7ff7fffc3ff9ffe45fff"
        + "4719242cb34e6e9d68a6a3d7dac426defe3cfaf7fffbfe7ffbffdffffffcfffe6ffff4bfff9ffffa3fffd3ff"
        + "ff53fffd5ffffb3fffeb7fffdaffffb7ffff73fffeeffffdeffffebffffbfffffd9ffffdbfffebffffe0ffff"
        + "eeffffc3ffff8bffff1ffffe4fffee7fffb1ffff97fffd9ffffcdffff9fffffbffffdafffeeffff4ffffb7ff"
        + "fee7fffe8ffffd3fffdeffffd5fffeeffffbdffffe1fffdfffff7fffff5ffffecffff07fff87fffe0ffff17f"
        + "ffedffff87ffff77fffeffffeaffff8bfffe3ffff93ffff87fffcbffff37ffff1fffff83ffffe1fffebfffe3"
        + "ffff3fffff2ffffa3ffffd9fffff17ffffc7fffff27ffffdefffffbffffff2fffff8fffffb7fff97fff8ffff"
        + "fe6fffffc1fffff87ffffe7fffffc5ffffe5fffe4ffff2fffffd1fffff4ffffffefffffe3fffffc9fffff97f"
        + "ffb3ffffcffffb7fffcdffff4ffff9ffffd1ffffcffffeaffffafffffddffffeffffff4fffff5fffffabffff"
        + "a7ffffd7fffff9bffffecfffffb7fffff3fffffe8fffffd3fffffabfffff5fffffff7ffffecfffffdbfffffb"
        + "bfffff7ffffff0fffffbbf"),
    HuffmanSample(
      text: Array((0...255).reversed()),
      coded: "fffffbbfffff87ffffeffffffddfffffb7fffff67ffffff7ffffebfffffd5fffffa7fffff47ffffe7fffffb7"
        + "ffffecfffffcdfffff5fffff4fffffabffffd7ffffd3ffffdfffffeeffffaffffeaffffe7fffe8ffff3ffffd"
        + "3fffe6fffedfffff3fffecfffffcbfffff93fffff1ffffffefffffd3fffff47fff97fffc9ffffe5fffff8bff"
        + "ffe7fffffc3fffff83ffffe6ffff1ffff2fffff6fffff8fffffcbfffff7fffffef7ffffc9fffff1fffffc5ff"
        + "ffecffffa3ffff97fffcffffc7fffafffffe1fffff83ffff8ffffcdffff2fffff0ffff93fffe3ffff8bfffab"
        + "ffff7ffffeeffff87ffff6ffff8bfffe0ffff0ffff83ffff67fffebffff7ffffbfffffe1fffef7fffbbffffa"
        + "bfffbdffffa7ffff47fffb9fffedffff4ffff77fffdaffffefffffcfffff9bfffd9ffffcbfffec7fff73ffff"
        + "27fffe3ffffc5ffff87ffffbbffff07fffafffffdbffffd9ffff7fffffaffffef7fffddffffb9ffff6ffffed"
        + "7fffadffff67fffd5ffff53fffd3fffe8fffe7ffff4bfff9bffffff3ffbffeffcfffdefd79f1ded4a2ced59e"
        + "aa68ebd0d3cd29642463fffb17ff9ffcfffe1ffbfde7f9cb8f0dfbb6ecd7ab4e8cf9b2e4c78b0e0bf7aec3ff"
        + "aff3fee0fff9f771f79d71b6991040c2eb7d7fbf9feffaff5f0affe7febf9fe14ffffffbffffffaffffff9ff"
        + "ffff8ffffff7ffffff6ffffff5ffffff4ffffff3fffffffbfffffcbfffffc7fffffc3fffffbffffffbbfffff"
        + "b7fffffb3fffffafffffffdfffffeafffffe9fffffff3ffffabfffffa3fffff9ffffff9bfffff97fffff93ff"
        + "fff8ffffff8bfffec7fe3f"),
  ]
}
