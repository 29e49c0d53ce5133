"""Hydra for Conan 2, in the versions that Debian 12 has.

    conan create . --build=missing                 # headers, simulator and the command
    conan create . -o "&:simulator=False"          # headers only
    conan install . -o "&:tests=True"              # what a build of this tree needs

Consumers use Hydra's own package files: find_package(hydra).
"""
from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout


class Hydra(ConanFile):
    name = "hydra"
    version = "0.1.0"
    description = "Policies for decentralised compute networks, simulated and real"
    license = "MIT"
    settings = "os", "compiler", "build_type", "arch"
    options = {
        "simulator": [True, False],
        "database": [True, False],
        "network": [True, False],
        "tests": [True, False],
        "benchmarks": [True, False],
    }
    default_options = {
        "simulator": True,
        "database": False,
        "network": False,
        "tests": False,
        "benchmarks": False,
    }
    exports_sources = (
        "CMakeLists.txt", "CHANGELOG.md", "LICENSE", "bench/*", "cli/*", "cmake/*", "include/*",
        "services/*", "sim/*", "tests/*",
    )

    def requirements(self):
        if self.options.simulator or self.options.network:
            self.requires("boost/1.81.0")
        if self.options.simulator:
            self.requires("cli11/2.1.2")
            self.requires("eigen/3.4.0")
            self.requires("fmt/9.1.0")
            self.requires("nlohmann_json/3.11.2")
            self.requires("range-v3/0.12.0")
            self.requires("tomlplusplus/3.3.0")
            self.requires("zlib/1.2.13")
        if self.options.network:
            self.requires("openssl/3.0.16")
        if self.options.database:
            self.requires("sqlite3/3.40.1")

    def build_requirements(self):
        if self.options.tests:
            self.test_requires("catch2/2.13.10")
        if self.options.benchmarks:
            self.test_requires("benchmark/1.7.1")

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        for option, part in (("simulator", "SIM"), ("simulator", "CLI"), ("network", "NET"),
                             ("tests", "TESTS"), ("benchmarks", "BENCH")):
            toolchain.cache_variables[f"HYDRA_BUILD_{part}"] = bool(self.options.get_safe(option))
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()

    def package_id(self):
        if not self.info.options.simulator:
            self.info.clear()

    def package_info(self):
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs.append("lib/cmake/hydra")
