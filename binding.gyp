{
  "variables": {
    "zstd": "<!(node -p \"require('path').relative('.',require('path').dirname(require.resolve('zstd-napi/package.json')))+'/deps/zstd/lib'\")"
  },
  "targets": [
    {
      # Zstandard, out of the sources that a package brings; none of the package's own code is used.
      "target_name": "zstd",
      "type": "static_library",
      "sources": [
        "<!@(node -p \"['common','compress','decompress'].flatMap(d=>require('fs').readdirSync('<(zstd)/'+d).filter(f=>/\\.[cS]$/.test(f)).map(f=>'<(zstd)/'+d+'/'+f)).join(' ')\")"
      ],
      "defines": ["XXH_NAMESPACE=ZSTD_", "ZSTDLIB_VISIBLE=", "ZSTDERRORLIB_VISIBLE=", "ZSTD_NO_TRACE", "ZSTD_LEGACY_SUPPORT=0"],
      "cflags": ["-O3", "-fvisibility=hidden", "-w"],
      "direct_dependent_settings": {"include_dirs": ["<(zstd)"]}
    },
    {
      "target_name": "odradek",
      "dependencies": ["zstd"],
      "sources": ["<!@(node -p \"require('fs').readdirSync('native',{withFileTypes:true}).filter(d=>d.isDirectory()).flatMap(d=>require('fs').readdirSync('native/'+d.name).filter(f=>f.endsWith('.cc')).map(f=>'native/'+d.name+'/'+f)).join(' ')\")"],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_DEPRECATED", "NAPI_DISABLE_CPP_EXCEPTIONS"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fno-exceptions", "-fno-rtti"],
      "cflags_cc": ["-std=c++20", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers"],
      "cflags_c": ["-fvisibility=hidden"],
      "ldflags": ["-Wl,-z,now"]
    }
  ]
}
